#!/usr/bin/env python3
"""A client that a generator which we did not write made from the API's document, at work.

usage: generated_client.py API UNIT_TOKEN UPLOADER_TOKEN FOLDER
Takes the document from the running API, makes a client of it in FOLDER, imports every module, submits a
drawn photo, uploads its mirrored copy, and reads what came of it; prints that as one JSON object.
"""
import importlib, io, json, pathlib, pkgutil, random, subprocess, sys, time
import httpx
from PIL import Image, ImageDraw, ImageOps

api, unit_token, uploader_token, folder = sys.argv[1:]
CASE, PATIENCE_S = "2026-1017", 120

document = pathlib.Path(folder, "openapi.json")
document.write_bytes(httpx.get(f"{api}/v1/openapi.json", trust_env=False).raise_for_status().content)
generate = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--path", str(document), "--output-path", f"{folder}/generated"]
made = subprocess.run(generate, capture_output=True, text=True, env={"PATH": str(pathlib.Path(sys.executable).parent)})
assert made.returncode == 0 and "WARNING" not in made.stdout.upper() + made.stderr.upper(), made.stdout + made.stderr
sys.path.insert(0, folder)
import generated
modules = {m.name.removeprefix("generated."): importlib.import_module(m.name) for m in pkgutil.walk_packages(generated.__path__, "generated.")}
models, types = modules["models"], modules["types"]


def client(token):
    return generated.AuthenticatedClient(base_url=api, token=token, raise_on_unexpected_status=True, httpx_args={"trust_env": False})


unit, uploader = client(unit_token), client(uploader_token)


def call(name, as_whom, status, **arguments):
    """Calls an operation by its id, whatever its tag, and gives what it answered as the client reads it."""
    (module,) = (it for path, it in modules.items() if path.startswith("api.") and path.endswith(f".{name}"))
    answer = module.sync_detailed(client=as_whom, **arguments)
    assert answer.status_code == status, (name, answer)
    return answer.parsed


def until(look):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, "out of patience"
        time.sleep(0.2)
    return found


def jpeg(picture):
    to = io.BytesIO()
    picture.save(to, "JPEG", quality=92)
    return to.getvalue()


chance = random.Random(17)
picture = Image.new("RGB", (480, 360), (96, 120, 140))
pen = ImageDraw.Draw(picture)
for _ in range(60):
    x, y, r = chance.randrange(480), chance.randrange(360), chance.randrange(8, 78)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in range(3)))

photo = types.File(payload=io.BytesIO(jpeg(picture)), file_name="photo.jpg", mime_type="image/jpeg")
submitted = call("submit_reference", unit, 202, body=models.NewPhoto(photo=photo, case_id=CASE, legal_basis="a test"))


def ended_checks():
    reference = call("show_reference", unit, 200, reference_id=submitted.reference_id)
    return reference if reference.status != "pending" else None


reference = until(ended_checks)
form = call("presign_upload", uploader, 201, body=models.NewUpload(file_name="ad.jpg", source_url="https://ads.example/1"))
sent = httpx.post(form.url, data=form.fields.to_dict(), files={"file": jpeg(ImageOps.mirror(picture))}, trust_env=False)
assert sent.is_success, sent.status_code
lead = until(lambda: next(iter(call("list_leads", unit, 200, case_id=CASE).items), None))
upload = until(lambda: next((it for it in call("list_uploads", uploader, 200).items if it.state == "recorded"), None))
alert = until(lambda: next(iter(call("pull_alerts", unit, 200).items), None))
erasure = call("erase", unit, 202, body=models.NewReferenceErasure(reference_id=submitted.reference_id))
print(json.dumps({
    "reference": reference.status, "width_px": reference.width_px, "lead": lead.edit, "lead_id": lead.lead_id, "seen_at": lead.sightings[0].source_url,
    "upload": upload.object_key, "uploaded_to": form.object_key, "alert": alert.data.lead_id, "erasure": erasure.reference_ids, "submitted": submitted.reference_id,
}))
