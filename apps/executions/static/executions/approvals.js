// What waits for a decision of whoever looks: read anew when a step begins to ask, or somebody has decided.

const PAUSE = 150;

export class Approvals {
  constructor(urls) {
    this.urls = urls;
    this.section = document.getElementById("asked");
    this.timer = null;
  }

  addFromEvents(events) {
    const matters = events.some(({ type, payload }) =>
      (type === "task_waiting" && payload.for === "approval") || type === "task_decided" || (type === "task_cancelled" && !this.section.hidden));
    if (matters) this.plan();
  }

  plan() {
    if (this.timer) return;
    this.timer = setTimeout(() => { this.timer = null; this.read(); }, PAUSE);
  }

  clear() { this.show(""); }

  async read() {
    try {
      const response = await fetch(this.urls.approvals, { headers: { Accept: "text/html" } });
      if (response.ok && !response.redirected) this.show(await response.text());
    } catch {
      // The next event tries again.
    }
  }

  // What somebody is just writing is kept.
  show(html) {
    const written = new Map();
    for (const item of this.section.querySelectorAll("[data-task]")) written.set(item.dataset.task, item.querySelector("input[name=comment]"));
    const active = document.activeElement;
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    for (const item of fresh.querySelectorAll("[data-task]")) {
      const known = written.get(item.dataset.task);
      if (known) item.querySelector("input[name=comment]").replaceWith(known);
    }
    this.section.replaceChildren(...fresh.childNodes);
    this.section.hidden = !this.section.querySelector("[data-task]");
    if (this.section.contains(active)) active.focus({ preventScroll: true });
  }
}
