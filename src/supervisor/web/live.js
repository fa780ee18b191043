// Keeps the page's parts marked data-live up to date. Without this script the page works as well.
"use strict";
const EVERY = 2000;

async function refresh() {
  const url = new URL(location.href);
  url.searchParams.delete("message");
  const answer = await fetch(url, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now || now.innerHTML === old.innerHTML) continue;
    // The button that has the focus keeps it.
    const focus = document.activeElement;
    const label = old.contains(focus) ? focus.getAttribute("aria-label") : null;
    const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 4;
    old.innerHTML = now.innerHTML;
    if (label) old.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
    if (old.dataset.live === "log" && atEnd) window.scrollTo(0, document.body.scrollHeight);
  }
}

async function live() {
  if (!document.hidden) {
    try {
      await refresh();
      document.body.classList.remove("gone");
    } catch {
      document.body.classList.add("gone");
    }
  }
  setTimeout(live, EVERY);
}

setTimeout(live, EVERY);
