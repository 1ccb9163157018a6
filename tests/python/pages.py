#!/usr/bin/env python3
"""Drives the pages of a running system in a real Chromium, as a person does.

usage: pages.py SCENARIO CHROMIUM < CONFIG

SCENARIO is the name of a function below; CONFIG is JSON: `open` (a link that signs in), `api`, `axe` (the text
of axe-core comes with axe-playwright-python), `shots` (a folder for pictures of the pages, or null). Prints
JSON; a claim that does not hold is a failed assert.
"""
import gzip, json, pathlib, re, sys
import axe_playwright_python
from playwright.sync_api import sync_playwright

AXE = pathlib.Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def context(browser, script=True, **more):
    made = browser.new_context(java_script_enabled=script, locale="en-US", **more)
    made.set_default_timeout(90_000)
    return made


def settled(page):
    """Waits until every picture has come: one that is cut off was delivered, and nothing here saw it."""
    page.wait_for_load_state("networkidle")


def sign_in(page, config):
    page.goto(config["open"])
    assert page.url.endswith("/leads"), "a link signs in, and leaves no trace in the address"


def first_verdict(browser, config):
    """From the link to the first verdict in three clicks; then a colleague's view, and the way back."""
    page = context(browser, viewport=WIDE).new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    delivered = []
    page.on("response", lambda answer: delivered.append(answer.url)
            if answer.headers.get("content-type") == "image/jpeg" else None)
    sign_in(page, config)
    page.wait_for_load_state("networkidle")
    page.click("#begin")
    lead = page.url.split("/")[-1]
    page.wait_for_load_state("networkidle")
    assert page.evaluate("[...document.images].every(it => it.complete && it.naturalWidth > 100)"), "pictures"
    page.click("label[for=v1]")
    page.click("#send")
    page.wait_for_selector("#judged")
    settled(page)
    again = page.goto(config["open"])
    assert again.status == 403 and "used" in page.content(), "a link works once"
    page.goto(f"{config['api']}/leads?judged={lead}")
    settled(page)
    page.click("#back")
    page.wait_for_url(f"**/leads/{lead}?judged={lead}")
    settled(page)
    page.keyboard.press("n")
    assert page.is_checked("#v2"), "a letter chooses"
    page.keyboard.press("Control+y")
    assert page.is_checked("#v2"), "a letter with Ctrl does nothing"
    page.select_option("#reason", "same_person_other_photo")
    page.fill("#note", "n y u <script>alert(1)</script>")
    assert page.is_checked("#v2"), "letters in a note are letters"
    page.click("#send")
    page.wait_for_selector("#judged")
    settled(page)
    page.goto(f"{config['api']}/leads/{lead}")
    assert "<script>alert(1)" in page.inner_text("main"), "a note is text"
    page.wait_for_load_state("networkidle")
    refused = [fault for fault in faults if "Content Security" in fault or "Trusted" in fault]
    assert not refused, refused
    return {"lead": lead, "delivered": len(delivered), "titles": page.title()}


def without_script(browser, config):
    """Script off: inbox, filter, lead, verdict, add, withdraw, erase, record, sign out."""
    page = context(browser, script=False, viewport=NARROW).new_page()
    sign_in(page, config)
    page.select_option("#f1", "alert")
    page.click(".filters button")
    assert "level=alert" in page.url
    page.click(".row h3 a")
    page.click("#whole")
    assert "whole=1" in page.url and page.locator("img[src$=whole]").count() == 1
    page.check("#v3", force=True)
    page.fill("#note", "looked twice")
    page.click("#send")
    assert page.locator("#judged").count() == 1
    page.goto(config["api"] + "/add")
    page.fill("#case_id", "26-0417")
    page.set_input_files("#photo", config["photo"])
    page.fill("#legal_basis", "police act 12")
    page.click("button.main")
    assert "/cases/" in page.url and "done=added" in page.url, page.content()
    assert page.inner_text("h1").endswith("26-0417")
    for way, expected in [("withdraw", "done=withdrawn"), ("erase", "/erasures/")]:
        page.click(".sheet a[href$=end]")
        page.fill(f"#{way}-case", "another")
        page.click(f"form[action$={way}] button")
        assert page.locator("[role=alert]").count() == 1, "another number does nothing"
        page.fill(f"#{way}-case", "26-0417")
        page.click(f"form[action$={way}] button")
        assert expected in page.url, page.url
    page.goto(config["api"] + "/log")
    assert page.locator(".notice.good").count() == 1, "the record is unbroken"
    page.goto(config["api"] + "/me")
    page.fill("#name", "R. Amari")
    page.click("form[action='/me'] button")
    assert "R. Amari" in page.inner_text(".who")
    page.click(".who button")
    assert page.url.endswith("/in")
    page.goto(config["api"] + "/leads")
    assert "/in?next=/leads" in page.url, "signed out is out"
    return {}


def focused(page):
    """Checks that the focus is seen: it is in view, it is marked, and nothing lies over it. Gives what has it."""
    return page.evaluate("""() => {
        const it = document.activeElement, style = getComputedStyle(it);
        const label = it.labels && it.labels[0], seen = label && /radio|checkbox/.test(it.type) ? label : it;
        const at = seen.getBoundingClientRect(), marked = getComputedStyle(seen);
        const top = document.elementFromPoint(at.x + Math.min(at.width / 2, 40), at.y + at.height / 2);
        return {tag: it.tagName, id: it.id, href: it.getAttribute('href'), text: (it.textContent || '').trim(),
            marked: marked.outlineStyle !== 'none' || marked.boxShadow !== 'none' || style.outlineStyle !== 'none',
            inside: at.top >= 0 && at.bottom <= innerHeight + 1,
            free: !!top && (seen.contains(top) || top.contains(seen))};
    }""")


def tab_to(page, is_it, most=80):
    """Tabs until the focus is there; each stop on the way is seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        at = focused(page)
        if at["tag"] == "BODY":
            continue
        assert at["marked"] and at["inside"] and at["free"], at
        if is_it(at):
            return at
    raise AssertionError("the keyboard does not get there")


def keyboard_alone(browser, config):
    """No mouse: sign in by a token, the oldest lead, all four modes, a verdict, take it back, sign out."""
    page = context(browser, viewport=WIDE).new_page()
    page.goto(config["api"] + "/in")
    tab_to(page, lambda at: at["id"] == "name")
    page.keyboard.type("R. Amari")
    tab_to(page, lambda at: at["id"] == "token")
    page.keyboard.type(config["token"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads")
    settled(page)
    tab_to(page, lambda at: at["id"] == "begin")
    page.keyboard.press("Enter")
    page.wait_for_selector("#stage")
    settled(page)
    lead = page.url.split("/")[-1].split("?")[0]
    for key, radio in (("2", "#m2"), ("3", "#m3"), ("4", "#m4"), ("1", "#m1")):
        page.keyboard.press(key)
        assert page.is_checked(radio), key
    tab_to(page, lambda at: at["id"] == "v1")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("#back")
    page.keyboard.press("z")
    page.wait_for_url(f"**/leads/{lead}?judged={lead}")
    settled(page)
    page.goto(config["api"] + "/help")
    tab_to(page, lambda at: at["tag"] == "BUTTON")
    page.keyboard.press("Enter")
    page.wait_for_url("**/in")
    return {"lead": lead}


def weight(browser, config):
    """The bytes of the first view of a lead, as a line carries them: text by gzip, pictures as they are."""
    page = context(browser, viewport=WIDE).new_page()
    sign_in(page, config)
    path = page.get_attribute(".row h3 a", "href")
    state = page.context.storage_state()
    page = context(browser, viewport=WIDE, storage_state=state).new_page()
    sizes = {"html": 0, "style": 0, "script": 0, "pictures": 0}
    kinds = {"text/html": "html", "text/css": "style", "text/javascript": "script", "image/jpeg": "pictures"}

    def carried(answer):
        kind = kinds.get(answer.headers.get("content-type", "").split(";")[0])
        if kind:
            body = answer.body()
            sizes[kind] += len(body) if kind == "pictures" else len(gzip.compress(body))
    page.on("response", carried)
    page.goto(config["api"] + path)
    settled(page)
    return sizes | {"sum": sum(sizes.values())}


def nothing_leaves(browser, config):
    """A whole walk; gives every address, referrer and title that others may come to see."""
    page = context(browser, viewport=WIDE).new_page()
    told = []
    page.on("request", lambda request: told.extend([request.url, request.headers.get("referer", "")]))
    sign_in(page, config)
    settled(page)

    def seen():
        settled(page)
        told.append(page.title())
    lead = page.get_attribute(".row h3 a", "href")
    page.goto(config["api"] + lead)
    seen()
    page.click("#whole")
    seen()
    page.click("label[for=v1]")
    page.fill("#note", "seen by R. Amari")
    page.click("#send")
    page.wait_for_selector("#judged")
    seen()
    for path in (lead, lead + "/report", "/cases", "/help", "/me", "/log"):
        page.goto(config["api"] + path)
        seen()
    page.goto(config["api"] + "/add")
    page.fill("#case_id", "26-0417")
    page.set_input_files("#photo", config["photo"])
    page.fill("#legal_basis", "police act 12")
    page.click("button.main")
    page.wait_for_url("**/cases/**")
    seen()
    page.click(".sheet a[href$=end]")
    seen()
    page.fill("#withdraw-case", "26-0417")
    page.click("form[action$=withdraw] button")
    seen()
    return {"told": told}


def all_pages(browser, config):
    """Every page: no violation in two languages, light and dark, wide and narrow; no sideways scroll."""
    first = context(browser, viewport=WIDE)
    page = first.new_page()
    page.goto(config["api"] + "/in")
    sign_in(page, config)
    lead = page.get_attribute(".row h3 a", "href")
    page.goto(config["api"] + lead)
    case = page.get_attribute(".crumbs a.c", "href")
    reference = case.split("/")[-1]
    paths = ["/leads", "/leads?tab=held", lead, lead + "?whole=1", lead + "/report", "/cases", case, "/add",
             f"/references/{reference}/end", f"/references/{reference}/held", "/help", "/me", "/log", "/nothing"]
    state, violations, wide = first.storage_state(), [], []
    shots = config.get("shots")
    for code in ("en", "ar"):
        for scheme in ("light", "dark"):
            # Each two of language, colours and width meet once: axe takes seconds for a page.
            for size in [WIDE if (code == "en") == (scheme == "light") else NARROW]:
                made = context(browser, viewport=size, color_scheme=scheme, storage_state=state, bypass_csp=True)
                made.add_cookies([{"name": "homeward-language", "value": code, "url": config["api"]}])
                page = made.new_page()
                outside = context(browser, viewport=size, color_scheme=scheme, bypass_csp=True)
                outside.add_cookies([{"name": "homeward-language", "value": code, "url": config["api"]}])
                for path in paths + ["/in"]:
                    at = outside.new_page() if path == "/in" else page
                    at.goto(config["api"] + path, wait_until="networkidle")
                    at.evaluate(AXE)
                    found = at.evaluate("""axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
                        'wcag22aa', 'best-practice']})""")["violations"]
                    for it in found:
                        violations.append([path.replace(lead, "/leads/LEAD"), code, scheme, size["width"], it["id"],
                                           it["nodes"][0]["html"][:160]])
                    if shots:
                        name = re.sub(r"[0-9a-f]{16,}", "ID", path.strip("/")).replace("/", "_").replace("?", "-")
                        at.screenshot(path=f"{shots}/{name}.{code}.{scheme}.{size['width']}.png", full_page=True)
                made.close(), outside.close()
    made = context(browser, viewport=NARROW, storage_state=state)
    page = made.new_page()
    for code in ("en", "es", "uk", "ar"):
        made.add_cookies([{"name": "homeward-language", "value": code, "url": config["api"]}])
        for path in paths:
            page.goto(config["api"] + path)
            for width in (320, 360, 390):
                page.set_viewport_size({"width": width, "height": 800})
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if over > 0:
                    wide.append([path, code, width, over])
    assert not violations, json.dumps(violations, indent=1)
    assert not wide, wide
    return {"pages": len(paths) + 1}


def main():
    scenario, chromium = sys.argv[1:3]
    config = json.load(sys.stdin)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        print(json.dumps(globals()[scenario](browser, config)))
        browser.close()


if __name__ == "__main__":
    main()
