// The list of runs: times as people say them, and read anew while something is going on.

import { dateAndTime, ticking } from "./format.js";

const EVERY = 3000;

function dress() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.title = time.textContent;
    time.textContent = dateAndTime(Date.parse(time.dateTime));
  }
  tick();
}

function tick() {
  for (const span of document.querySelectorAll("[data-since]")) span.textContent = ticking(Date.now() - Date.parse(span.dataset.since));
}

async function refresh() {
  const section = document.getElementById("runs");
  if (section.dataset.alive === "yes" && !document.hidden && !section.contains(document.activeElement)) {
    try {
      const response = await fetch(location.href, { redirect: "error" });
      if (response.ok) {
        const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("runs");
        if (fresh) { section.replaceWith(document.adoptNode(fresh)); dress(); }
      }
    } catch { /* the next turn tries again */ }
  }
  setTimeout(refresh, EVERY);
}

dress();
setInterval(tick, 1000);
setTimeout(refresh, EVERY);
