'use strict';
// Keys, and ways to lay one picture over the other. Nothing here is needed to do the work.
(() => {
  const $ = (id) => document.getElementById(id);
  const stage = $('stage'), say = $('say'), form = $('verdict');

  const mode = (value) => {
    const radio = document.querySelector(`[name=mode][value=${value}]`);
    if (radio) { radio.checked = true; radio.dispatchEvent(new Event('change')); }
  };
  if (stage) {
    document.querySelectorAll('[name=mode]').forEach((radio) => radio.addEventListener('change', () => {
      if (radio.checked) say.textContent = say.dataset[radio.value] || '';
    }));
    $('at').addEventListener('input', (e) => stage.style.setProperty('--at', e.target.value + '%'));
    const blink = (on) => stage.style.setProperty('--on', on ? 1 : 0);
    stage.addEventListener('pointerdown', () => blink(true));
    addEventListener('pointerup', () => blink(false));
    addEventListener('keydown', (e) => {
      if (e.key === ' ' && $('m3').checked && !e.target.matches('button, a, summary, input, textarea, select')) { e.preventDefault(); blink(true); }
    });
    addEventListener('keyup', (e) => { if (e.key === ' ') blink(false); });
  }

  // Single letters act outside of fields only, and never with Ctrl, Alt or Meta.
  const click = (id) => { const it = $(id); if (it) it.click(); return !!it; };
  const pick = (id) => { const it = $(id); if (it) { it.checked = true; it.focus(); } return !!it; };
  const range = (by) => {
    if (!stage || !$('m2').checked) return false;
    const at = $('at'); at.value = Number(at.value) + by; at.dispatchEvent(new Event('input')); return true;
  };
  const keys = {
    y: () => pick('v1'), n: () => pick('v2'), u: () => pick('v3'),
    j: () => click('next'), k: () => click('before'), b: () => click('begin'), z: () => click('back'),
    w: () => click('whole'), c: () => click('colour'), h: () => click('hide'),
    m: () => { const it = $('note'); if (it && form.querySelector(':checked')) it.focus(); return !!it; },
    1: () => mode('side') || true, 2: () => mode('swipe') || true, 3: () => mode('blink') || true, 4: () => mode('diff') || true,
    arrowleft: () => range(-5), arrowright: () => range(5),
  };
  const letter = (e) => /^[a-z0-9]$/.test(e.key.toLowerCase()) ? e.key.toLowerCase()
    : /^Key[A-Z]$/.test(e.code) ? e.code.slice(3).toLowerCase() : e.key.toLowerCase();
  addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || e.repeat || e.isComposing) return;
    if (e.target.matches('textarea, select, input:not([type=radio]):not([type=checkbox])')) return;
    if (e.target.matches('[type=radio]') && e.key.startsWith('Arrow')) return;
    const deed = keys[letter(e)];
    if (deed && deed()) e.preventDefault();
  });
  // A verdict takes two keys: the choice, then Enter.
  if (form) form.querySelectorAll('[name=verdict]').forEach((radio) => radio.addEventListener('keydown', (e) => {
    if (e.key === 'Enter') { e.preventDefault(); form.requestSubmit(); }
  }));
  // Colleagues see that this lead is being looked at, as long as its page is in front.
  if (form && form.dataset.here) setInterval(() => {
    if (document.hidden) return;
    const body = new URLSearchParams({ form_token: form.elements.form_token.value });
    fetch(form.dataset.here, { method: 'POST', body, redirect: 'manual' }).catch(() => {});
  }, 60000);
  // Nothing is sent twice, and a slow line shows that it was sent.
  document.querySelectorAll('form[method=post]').forEach((it) => it.addEventListener('submit', (e) => {
    if (it.dataset.sent) { e.preventDefault(); return; }
    it.dataset.sent = '1';
    setTimeout(() => delete it.dataset.sent, 10000);
  }));
  // Time to take a verdict back runs out.
  const back = $('back');
  if (back) setTimeout(() => back.closest('form').remove(), 15000);

  const photo = $('photo'), preview = $('preview');
  if (photo && preview) photo.addEventListener('change', () => {
    const file = photo.files[0];
    preview.hidden = !file;
    if (file) preview.querySelector('img').src = URL.createObjectURL(file);
  });
})();
