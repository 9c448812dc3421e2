// The page works without this file; with it, keys answer at once and new texts appear by themselves.
(() => {
  "use strict";
  const POLL_MILLISECONDS = 1500;
  let busy = 0;

  const phoneOf = (node) => node.closest("article.phone");

  function keepTyped(old, fresh) {
    const before = old.querySelector("[name=entry]");
    const after = fresh.querySelector("[name=entry]");
    if (before && after && old.dataset.view === fresh.dataset.view && before === document.activeElement) {
      after.value = before.value;
    }
  }

  function show(html, acted) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const active = document.activeElement;
    const holder = active && phoneOf(active);
    const focus = holder && { id: holder.id, name: active.name, value: active.tagName === "BUTTON" ? active.value : null };
    const now = document.querySelectorAll("article.phone");
    const fresh = page.querySelectorAll("article.phone");
    if (now.length !== fresh.length) {
      document.querySelector("#phones").replaceWith(page.querySelector("#phones"));
    } else {
      fresh.forEach((article) => {
        const old = document.getElementById(article.id);
        if (old && old.dataset.version !== article.dataset.version) {
          if (article.id !== acted) keepTyped(old, article);
          old.replaceWith(article);
        }
      });
    }
    document.querySelector("#time").replaceWith(page.querySelector("#time"));
    if (!focus) return;
    const phone = document.getElementById(focus.id);
    if (!phone || phone.contains(document.activeElement)) return;
    const entry = phone.querySelector("[name=entry]");
    const same = focus.value !== null
      && [...phone.querySelectorAll("button")].find((key) => key.value === focus.value && !key.classList.contains("default"));
    const target = same || entry || phone.querySelector(".soft button");
    if (target) target.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const key = event.target.closest("button.key");
    const entry = key && phoneOf(key).querySelector("[name=entry]");
    if (!entry) return;
    event.preventDefault();
    entry.value += key.value.slice(4);
    entry.scrollLeft = entry.scrollWidth;
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const phone = phoneOf(form);
    if (!phone) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    if (event.submitter && event.submitter.name) fields.set(event.submitter.name, event.submitter.value);
    busy += 1;
    phone.classList.add("busy");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields });
      show(await answer.text(), phone.id);
    } catch {
      phone.querySelector(".note").textContent = "The simulator does not answer. Is it still running?";
    } finally {
      busy -= 1;
      phone.classList.remove("busy");
    }
  });

  setInterval(async () => {
    if (busy || document.hidden) return;
    try {
      const versions = await (await fetch("/handset/versions")).json();
      const shown = [...document.querySelectorAll("article.phone")];
      const same = shown.length === Object.keys(versions).length
        && shown.every((phone) => Number(phone.dataset.version) === versions[phone.dataset.number]);
      if (!same && !busy) show(await (await fetch("/")).text(), "");
    } catch {
      // The simulator is down or starting again: try at the next beat.
    }
  }, POLL_MILLISECONDS);
})();
