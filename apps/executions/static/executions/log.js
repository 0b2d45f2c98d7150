// The last events. It follows the newest while its end is in view, and stands still when somebody reads further up.

import { element, timeOfDay, workerOf } from "./format.js";
import { sequenceOf } from "./run.js";

const KEPT = 2000;
const SHOWN = 200;
const COLOURS = {
  task_started: "executing", task_completed: "completed", error_occurred: "failed", task_skipped: "skipped", task_cancelled: "cancelled",
  task_waiting: "waiting", task_expanded: "waiting", task_lost: "failed", task_revoked: "cancelled", execution_started: "running",
  execution_paused: "paused", execution_resumed: "running", execution_timeout: "failed", task_result_set: "completed", task_decided: "waiting",
  execution_completed: "completed", execution_failed: "failed", execution_cancelled: "cancelled", task_received: "dispatched", resource_allocated: "dispatched",
};
const FILTERS = {
  all: () => true,
  run: (event) => event.type.startsWith("execution_") || ["task_started", "task_completed", "error_occurred", "task_skipped", "task_cancelled"].includes(event.type),
  trouble: (event) => ["error_occurred", "task_lost", "task_revoked", "task_cancelled", "execution_failed", "execution_timeout", "execution_cancelled"].includes(event.type),
  artifact: (event) => event.type === "artifact_produced",
};
const SAID = new Set(["name", "kind", "id"]);

export class Log {
  constructor(run, urls) {
    this.run = run;
    this.urls = urls;
    this.list = document.getElementById("log");
    this.filter = document.getElementById("log-filter");
    this.text = document.getElementById("log-text");
    this.pause = document.getElementById("log-pause");
    this.latest = document.getElementById("log-latest");
    this.total = document.getElementById("log-count");
    this.events = [];
    this.seen = new Set();
    this.fresh = [];
    this.paused = false;
    this.follows = true;
    this.filter.addEventListener("change", () => this.repaint());
    this.text.addEventListener("input", () => this.repaint());
    this.pause.addEventListener("click", () => this.setPaused(!this.paused));
    this.latest.addEventListener("click", () => { this.follows = true; this.setPaused(false); this.scroll(); });
    this.list.addEventListener("scroll", () => {
      this.follows = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 24;
      this.latest.hidden = this.follows && !this.paused;
    });
  }

  setPaused(paused) {
    this.paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    this.pause.textContent = paused ? "Resume" : "Pause";
    this.latest.hidden = this.follows && !paused;
    if (!paused) this.repaint();
  }

  add(events) {
    for (const event of events) {
      if (this.seen.has(event.id)) continue;
      this.seen.add(event.id);
      this.events.push(event);
      this.fresh.push(event);
    }
    if (this.events.length > KEPT * 1.5) {
      this.events = this.events.slice(-KEPT);
      this.seen = new Set(this.events.map((event) => event.id));
    }
  }

  wanted(event) {
    const text = this.text.value.trim().toLowerCase();
    return FILTERS[this.filter.value](event) && (!text || `${event.type} ${this.name(event)} ${JSON.stringify(event.payload)}`.toLowerCase().includes(text));
  }

  // Only what is new, and of that only what will stay in view.
  paint() {
    if (this.paused || !this.fresh.length) return;
    const fresh = this.fresh.filter((event) => this.wanted(event)).slice(-SHOWN);
    this.fresh = [];
    const above = this.list.scrollHeight - this.list.scrollTop;
    this.list.append(...fresh.map((event) => this.row(event)));
    const surplus = this.list.children.length - SHOWN;
    for (let index = 0; index < surplus; index += 1) this.list.firstElementChild.remove();
    if (this.follows) this.scroll();
    else if (surplus > 0) this.list.scrollTop = Math.max(0, this.list.scrollHeight - above);
    this.say();
  }

  repaint() {
    this.fresh = [];
    this.list.replaceChildren(...this.events.filter((event) => this.wanted(event)).slice(-SHOWN).map((event) => this.row(event)));
    if (this.follows) this.scroll();
    this.say();
  }

  scroll() { this.list.scrollTop = this.list.scrollHeight; }
  say() {
    const count = this.list.children.length;
    this.total.textContent = count === SHOWN ? `the last ${count} shown` : `${count} shown`;
  }

  name(event) {
    const task = this.run.tasks.get(sequenceOf(event.task));
    return task ? this.run.label(task) : event.task_name || (event.payload && event.payload.name) || "";
  }

  row(event) {
    const at = Date.parse(event.occurred_at);
    const colour = COLOURS[event.type];
    return element("li", colour ? { class: `is-${colour}` } : {},
      element("time", { datetime: event.occurred_at }, timeOfDay(at, true)),
      element("span", { class: "type" }, event.type.replaceAll("_", " ")), this.what(event));
  }

  what(event) {
    const payload = event.payload || {};
    const name = this.name(event);
    if (event.type === "artifact_produced" && payload.id) {
      return element("span", { class: "what" }, element("a", { href: this.urls.artifact(payload.id) }, payload.name || "artifact"), element("small", {}, event.task_name ? ` by ${event.task_name}` : ""));
    }
    const rest = Object.entries(payload)
      .filter(([key, value]) => !SAID.has(key) && value !== null && value !== "" && !(key === "attempt" && value === 1))
      .map(([key, value]) => said(key, value));
    return element("span", { class: "what" }, name, element("small", {}, rest.length ? `${name ? " · " : ""}${rest.join(" · ").slice(0, 300)}` : ""));
  }
}

function said(key, value) {
  if (key === "message") return value;
  if (key === "worker") return `on ${workerOf({ worker: String(value) })}`;
  if (key === "until") return `until ${timeOfDay(Date.parse(value))}`;
  return `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`;
}
