// A list of tasks: those of one box of the graph, of one state, or all. Each opens to show its result.

import { bytes, dateAndTime, duration, element, ENDED, state, ticking, timeOfDay, workerOf } from "./format.js";

const STEP = 100;
const MOST_CHARACTERS = 20_000;
const FIRST = { failed: 0, executing: 1, waiting: 2, dispatched: 3, pending: 4, cancelled: 5, skipped: 6, completed: 7 };

async function json(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

export class Inspector {
  constructor(run, urls, artifacts) {
    this.run = run;
    this.urls = urls;
    this.artifacts = artifacts;
    this.section = document.getElementById("inspector");
    this.title = document.getElementById("inspector-title");
    this.body = document.getElementById("inspect-rows");
    this.status = document.getElementById("inspect-status");
    this.name = document.getElementById("inspect-name");
    this.total = document.getElementById("inspect-count");
    this.more = document.getElementById("inspect-more");
    this.box = null;
    this.open = null;
    this.shown = STEP;
    this.stale = false;
    this.onclose = () => {};
    this.status.addEventListener("change", () => this.restart());
    this.name.addEventListener("input", () => this.restart());
    this.more.addEventListener("click", () => { this.shown += STEP; this.paint(); });
    document.getElementById("inspect-close").addEventListener("click", () => this.close());
    this.section.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  get isOpen() { return !this.section.hidden; }
  get chosenStatus() { return this.isOpen && this.box === null ? this.status.value : ""; }

  show({ box = null, status = "", task = null }) {
    this.box = box;
    this.status.value = status;
    this.name.value = "";
    this.shown = STEP;
    this.open = task;
    const about = box === null ? null : this.run.boxes.get(box);
    this.title.textContent = about ? about.title : "Tasks";
    this.section.hidden = false;
    if (about && !about.group && !about.composite && task === null) this.open = about.key;
    this.paint();
    this.title.focus({ preventScroll: true });
    this.section.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  close() {
    this.section.hidden = true;
    this.body.replaceChildren();
    this.onclose();
  }

  restart() { this.shown = STEP; this.paint(); }

  found() {
    const name = this.name.value.trim().toLowerCase();
    const status = this.status.value;
    const found = [];
    for (const task of this.run.tasks.values()) {
      if (this.box !== null && this.run.boxKey(task) !== this.box) continue;
      if (status && task.status !== status) continue;
      if (name && !this.run.label(task).toLowerCase().includes(name)) continue;
      found.push(task);
    }
    return found.sort((a, b) => (a.parent === null ? 0 : 1) - (b.parent === null ? 0 : 1) || FIRST[a.status] - FIRST[b.status] || a.seq - b.seq);
  }

  paint() {
    if (!this.isOpen) return;
    const found = this.found();
    const rows = [];
    for (const task of found.slice(0, this.shown)) {
      rows.push(this.row(task));
      if (task.seq === this.open) rows.push(this.detailRow(task));
    }
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset.seq : null;
    this.body.replaceChildren(...rows);
    if (focused) this.body.querySelector(`[data-seq="${focused}"]`)?.focus({ preventScroll: true });
    this.total.textContent = found.length > this.shown ? `${this.shown} of ${found.length} tasks` : `${found.length} task${found.length === 1 ? "" : "s"}`;
    this.more.hidden = found.length <= this.shown;
  }

  row(task) {
    const open = task.seq === this.open;
    const button = element("button", { type: "button", class: "step", "aria-expanded": String(open), "data-seq": task.seq }, this.run.label(task));
    button.addEventListener("click", () => { this.open = this.open === task.seq ? null : task.seq; this.paint(); });
    const name = element("th", { scope: "row" }, button, task.status === "failed" && task.error ? element("span", { class: "why" }, task.error) : null);
    let took = "";
    if (task.started && task.completed) took = duration(task.completed - task.started);
    else if (task.started && !ENDED.has(task.status)) took = ticking(this.run.now() - task.started);
    return element("tr", {}, name, element("td", {}, state(task.status)), element("td", {}, task.kind),
      element("td", { class: "number" }, task.attempt ? String(task.attempt) : ""),
      element("td", {}, task.started ? timeOfDay(task.started, true) : ""), element("td", { class: "number" }, took));
  }

  detailRow(task) {
    const cell = element("td", { colspan: "6" });
    if (!this.detail || this.detail.seq !== task.seq || this.detail.status !== task.status) {
      this.detail = { seq: task.seq, status: task.status, node: element("div", {}, "Reading …") };
      this.read(task, this.detail);
    }
    cell.append(this.detail.node);
    return element("tr", { class: "detail" }, cell);
  }

  async read(task, detail) {
    let told, why;
    try {
      const id = this.run.idOf(task.seq);
      told = await json(this.urls.task(id));
      why = ENDED.has(told.status) ? null : await json(this.urls.explain(id));
    } catch (error) {
      detail.node.textContent = `The task cannot be read just now (${error.message}).`;
      return;
    }
    detail.node.replaceChildren(this.list(task, told, why));
  }

  list(task, told, why) {
    const rows = [];
    const add = (name, value) => { if (value) rows.push(element("dt", {}, name), element("dd", {}, value)); };
    add("Waited", task.dispatched && task.started ? `${duration(task.started - task.dispatched)} for a worker` : "");
    for (const reason of why ? why.reasons : []) add("Why", reason.message);
    if (why && why.predicted_start && why.predicted_start.at) add("Begins", `about ${dateAndTime(Date.parse(why.predicted_start.at))} (${why.predicted_start.confidence} confidence)`);
    const asked = told.waiting_for;
    if (asked) {
      const named = [asked.reason, asked.name].filter(Boolean).join(": ");
      add("Waits for", asked.due_at ? `${named}, until ${dateAndTime(Date.parse(asked.due_at))}` : named);
      for (const said of asked.decisions) add("Decided", `${said.user}: ${said.decision}${said.comment ? `, ${said.comment}` : ""}`);
    }
    add("Ended", task.completed ? dateAndTime(task.completed) : "");
    add("Worker", workerOf(told));
    add("Queue", told.queue);
    add("Id", element("code", {}, told.id));
    if (told.error) {
      add("Error", element("span", {}, element("code", {}, told.error.code || ""), ` ${told.error.message || ""}`));
      if (told.error.details) add("Details", element("pre", {}, JSON.stringify(told.error.details, null, 2)));
    }
    if (told.output !== null && told.output !== undefined) {
      const text = typeof told.output === "string" ? told.output : JSON.stringify(told.output, null, 2);
      const cut = text.length > MOST_CHARACTERS;
      add("Output", element("pre", { tabindex: "0" }, cut ? `${text.slice(0, MOST_CHARACTERS)}\n… ${bytes(text.length - MOST_CHARACTERS)} more` : text));
    }
    for (const artifact of this.artifacts.of(task.seq)) add("Artifact", element("a", { href: this.urls.artifact(artifact.id) }, artifact.name));
    return element("dl", {}, ...rows);
  }
}
