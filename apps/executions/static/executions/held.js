// What holds the run up: no event tells of each step that waits for room, so it is read anew while something may wait.

const SOON = 250;
const AGAIN = 4000;

export class Held {
  constructor(run, urls) {
    this.run = run;
    this.urls = urls;
    this.section = document.getElementById("held");
    this.timer = null;
    this.due = 0;
  }

  get mayWait() {
    const { counts, execution } = this.run;
    return execution.status === "paused" || Boolean(counts.dispatched || counts.waiting);
  }

  // After something has happened; often asked for, seldom done.
  plan(soon = false) {
    if (this.run.over) { this.show(""); return; }
    if (soon) { clearTimeout(this.timer); this.timer = null; this.due = 0; }
    if (this.timer || document.hidden || (!this.mayWait && this.section.hidden)) return;
    this.timer = setTimeout(() => { this.timer = null; this.read(); }, Math.max(SOON, this.due - performance.now()));
  }

  async read() {
    this.due = performance.now() + AGAIN;
    try {
      const response = await fetch(this.urls.held, { headers: { Accept: "text/html" } });
      if (response.ok && !response.redirected && !this.run.over) this.show(await response.text());
    } catch {
      // The next look tries again.
    }
  }

  show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    if (fresh.textContent.trim() === this.section.textContent.trim()) return;
    this.section.replaceChildren(...fresh.childNodes);
    this.section.hidden = !this.section.querySelector("li");
  }
}
