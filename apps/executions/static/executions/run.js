// What is known of the run: its tasks, counted by the boxes of the graph, and how events change them.

import { ENDED, RUN_OVER } from "./format.js";

const BECOMES = {
  task_received: "dispatched",
  task_started: "executing",
  task_waiting: "waiting",
  task_expanded: "waiting",
  task_retrying: "waiting",
  task_lost: "dispatched",
  task_broken: "dispatched",
  task_handed_over: "dispatched",
  task_result_set: "completed",
  task_completed: "completed",
  error_occurred: "failed",
  task_skipped: "skipped",
  task_cancelled: "cancelled",
};

// The sequence number of a task is in the last 32 bits of its id.
export function sequenceOf(taskId) {
  return taskId ? Number.parseInt(taskId.slice(-8), 16) : null;
}

export class Run {
  constructor(data) {
    this.execution = data.execution;
    this.columns = data.columns;
    this.prefix = data.execution.id.slice(0, 28);
    this.skew = data.execution.now - Date.now();
    this.tasks = new Map();
    this.counts = {};
    this.boxes = new Map(data.boxes.map((box) => [box.key, { ...box, own: {}, inner: {}, started: null, completed: null }]));
    this.ranges = data.boxes
      .flatMap((box) => box.members.map(([first, last]) => ({ first, last, key: box.key })))
      .sort((a, b) => a.first - b.first);
    this.failed = new Set();
    this.workers = new Map();
    this.dirty = new Set();
    this.changed = true;
    this.strangers = false; // an event named a task that is not known yet
  }

  now() { return Date.now() + this.skew; }
  get over() { return RUN_OVER.has(this.execution.status); }
  idOf(seq) { return this.prefix + seq.toString(16).padStart(8, "0"); }

  tell(execution) {
    // A page that was read before the end must not bring the run back to life.
    if (!(this.over && !RUN_OVER.has(execution.status))) this.execution = { ...this.execution, ...execution };
    this.skew = execution.now - Date.now();
    this.changed = true;
  }

  // Rows as the server lists them; `fresh` ones are the truth even where an event said otherwise.
  addRows(rows, fresh = false) {
    for (const row of rows) {
      const told = {};
      this.columns.forEach((column, index) => { told[column] = row[index]; });
      const known = this.tasks.get(told.seq);
      if (!known) {
        told.box = told.parent === null ? this.boxOf(told.seq) : null;
        this.tasks.set(told.seq, told);
        this.count(told, told.status, 1);
      } else if (fresh || ENDED.has(told.status) || (!ENDED.has(known.status) && told.attempt >= known.attempt)) {
        const before = known.status;
        Object.assign(known, told, { box: known.box });
        if (before !== known.status) { this.count(known, before, -1); this.count(known, known.status, 1); }
      }
      this.span(this.tasks.get(told.seq));
    }
    this.changed = true;
  }

  boxOf(seq) {
    let low = 0;
    let high = this.ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = this.ranges[middle];
      if (seq < range.first) high = middle - 1;
      else if (seq > range.last) low = middle + 1;
      else return range.key;
    }
    return null;
  }

  // Inner tasks belong to the box of the step around them, however deep.
  boxKey(task) {
    if (task.box !== null && task.box !== undefined) return task.box;
    let outer = task;
    while (outer && outer.parent !== null) outer = this.tasks.get(outer.parent);
    if (outer) task.box = outer.box;
    return task.box;
  }

  count(task, status, by) {
    this.counts[status] = (this.counts[status] || 0) + by;
    if (status === "failed") { if (by > 0) this.failed.add(task.seq); else this.failed.delete(task.seq); }
    const box = this.boxes.get(this.boxKey(task));
    if (!box) return;
    const counts = task.parent === null ? box.own : box.inner;
    counts[status] = (counts[status] || 0) + by;
    this.dirty.add(box.key);
  }

  span(task) {
    const box = this.boxes.get(this.boxKey(task));
    if (!box) return;
    if (task.started && (!box.started || task.started < box.started)) box.started = task.started;
    if (task.completed && (!box.completed || task.completed > box.completed)) box.completed = task.completed;
  }

  // Events may come twice, or again after the rows already knew of them: each only moves a task forward.
  apply(event) {
    const at = Date.parse(event.occurred_at);
    if (event.type.startsWith("execution_")) return this.applyToRun(event, at);
    const seq = sequenceOf(event.task);
    if (seq === null) return undefined;
    const worker = event.payload && event.payload.worker;
    const task = this.tasks.get(seq);
    if (!task) {
      if (event.type in BECOMES) this.strangers = true;
      return undefined;
    }
    if (event.type === "resource_allocated") { task.worker = worker || task.worker; return undefined; }
    const next = BECOMES[event.type];
    if (!next || ENDED.has(task.status)) return undefined;
    if (next === "dispatched" && event.type === "task_received" && task.status !== "pending") return undefined;
    const attempt = (event.payload && event.payload.attempt) || task.attempt;
    if (attempt < task.attempt || (event.type === "task_lost" && task.started > at)) return undefined;
    if (next === "executing" && attempt === task.attempt && task.status === "waiting") return undefined;
    this.move(task, next, at, attempt, event);
    if (event.type === "task_expanded") this.strangers = true;
    return undefined;
  }

  move(task, next, at, attempt, event) {
    if (next === "executing") { task.started = at; task.attempt = attempt; }
    if (ENDED.has(next)) task.completed = at;
    if (next === "failed") task.error = event.payload.message || event.payload.code;
    if (task.status !== next) {
      this.count(task, task.status, -1);
      task.status = next;
      this.count(task, next, 1);
    }
    this.span(task);
    this.changed = true;
  }

  applyToRun(event, at) {
    const status = { execution_started: "running", execution_paused: "paused", execution_resumed: "running",
      execution_completed: "completed", execution_failed: "failed", execution_timeout: "timeout",
      execution_cancelled: "cancelled" }[event.type];
    if (!status || this.over) return;
    this.execution = { ...this.execution, status };
    if (status === "running" || status === "paused") this.execution.started ??= at;
    else this.execution.completed = at;
    if (status === "cancelled") this.execution.message = (event.payload && event.payload.reason) || "";
    this.changed = true;
  }

  // A task's name with the iterations it belongs to, outermost first.
  label(task) {
    return task.iteration === null ? task.name : `${task.name} [${this.iterations(task).join(".")}]`;
  }

  iterations(task) {
    const found = [];
    for (let inner = task; inner && inner.iteration !== null; inner = this.tasks.get(inner.parent)) {
      found.unshift(inner.label || String(inner.iteration));
    }
    return found;
  }
}
