// The timeline: a row for each task while they are few, else lanes (a step, a worker) that show how many ran at once.

import { duration, ENDED, overall, svg, ticking, workerOf } from "./format.js";

const ROW = 24;
const HEAD = 26;
const MOST_ROWS = 60;
const MOST_TASK_ROWS = 400;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000];

export class Gantt {
  constructor(run, frame, choose) {
    this.run = run;
    this.frame = frame;
    this.chooseTask = choose;
    this.rows = document.getElementById("gantt-rows");
    this.rows.addEventListener("change", () => this.paint());
    this.width = 0;
    new ResizeObserver(() => { if (Math.abs(frame.clientWidth - this.width) > 1) this.paint(); }).observe(frame);
  }

  begun() {
    const found = [];
    for (const task of this.run.tasks.values()) if (task.started) found.push(task);
    return found.sort((a, b) => a.started - b.started || a.seq - b.seq);
  }

  // Takes time in proportion to the tasks: the caller spaces its calls by what the last one cost.
  paint() {
    this.width = this.frame.clientWidth;
    const tasks = this.begun();
    if (!this.width) return;
    if (!tasks.length) {
      this.frame.replaceChildren(Object.assign(document.createElement("p"), { className: "gantt-empty", textContent: "Nothing has started yet." }));
      return;
    }
    const start = Math.min(this.run.execution.started || Infinity, tasks[0].dispatched || tasks[0].started, tasks[0].started);
    const last = tasks.reduce((latest, task) => Math.max(latest, task.completed || 0, task.started), start);
    const end = Math.max(this.run.over ? last : Math.max(last, this.run.now()), start + 1);
    const names = Math.min(220, Math.max(96, this.width * 0.22));
    const space = { left: names, width: this.width - names - 74, start, end };
    space.x = (time) => space.left + (space.width * (Math.min(Math.max(time, start), end) - start)) / (end - start);
    const kind = this.rows.value === "auto" ? (tasks.length <= MOST_ROWS ? "task" : "step") : this.rows.value;
    const lines = kind === "task" ? this.taskRows(tasks, space) : this.lanes(tasks, space, kind);
    const height = HEAD + lines.length * ROW + 6;
    const picture = svg("svg", { class: "gantt", width: this.width, height, role: "img",
      "aria-label": `Timeline of ${tasks.length} tasks in ${duration(end - start)}` }, ...this.grid(space, height), ...lines);
    const top = this.frame.scrollTop;
    this.frame.replaceChildren(picture);
    this.frame.scrollTop = top;
  }

  grid(space, height) {
    const step = STEPS.find((each) => (space.width * each) / (space.end - space.start) >= 70) || STEPS.at(-1);
    const made = [];
    for (let time = 0; time <= space.end - space.start; time += step) {
      const x = Math.round(space.x(space.start + time)) + 0.5;
      made.push(svg("line", { class: "grid", x1: x, x2: x, y1: HEAD - 6, y2: height }));
      made.push(svg("text", { class: "tick", x, y: 14, "text-anchor": "middle" }, time === 0 ? "0" : short(time)));
    }
    return made;
  }

  line(index, name, note, title, space, ...shapes) {
    const row = svg("g", { transform: `translate(0 ${HEAD + index * ROW})` });
    if (index % 2) row.append(svg("rect", { class: "stripe", width: this.width, height: ROW }));
    row.append(svg("text", { class: "row-name", x: 14, y: 16 }, clipped(name, space.left - 22)), ...shapes,
      svg("text", { class: "row-note", x: this.width - 12, y: 16, "text-anchor": "end" }, note), svg("title", {}, title));
    return row;
  }

  taskRows(tasks, space) {
    const now = this.run.over ? space.end : this.run.now();
    const composite = new Set();
    for (const task of tasks) if (task.parent !== null) composite.add(task.parent);
    return tasks.slice(0, MOST_TASK_ROWS).map((task, index) => {
      const end = task.completed || now;
      const x = space.x(task.started);
      const shapes = [];
      if (task.dispatched && task.dispatched < task.started) {
        const waited = space.x(task.dispatched);
        shapes.push(svg("rect", { class: "queue", x: waited, y: 10, width: Math.max(0, x - waited), height: 4 }));
      }
      const outer = composite.has(task.seq) || task.status === "waiting";
      shapes.push(svg("rect", { class: `bar is-${task.status}${outer ? " outer" : ""}`, x, y: outer ? 7.5 : 5, width: Math.max(2, space.x(end) - x), height: outer ? 9 : 14, rx: 3 }));
      const took = ENDED.has(task.status) ? duration(end - task.started) : ticking(end - task.started);
      return this.line(index, this.run.label(task), took, `${this.run.label(task)}: ${task.status}, ${took}`, space, ...shapes);
    });
  }

  lanes(tasks, space, kind) {
    const lanes = new Map();
    const composite = new Set();
    for (const task of tasks) if (task.parent !== null) composite.add(task.parent);
    for (const task of tasks) {
      // A step that only waits for those inside it keeps no worker busy.
      if (kind === "worker" && composite.has(task.seq)) continue;
      const [key, name] = this.laneOf(task, kind);
      if (!lanes.has(key)) lanes.set(key, { name, tasks: [], counts: {}, outer: true });
      const lane = lanes.get(key);
      lane.tasks.push(task);
      lane.counts[task.status] = (lane.counts[task.status] || 0) + 1;
    }
    return [...lanes.values()].slice(0, MOST_TASK_ROWS).map((lane, index) => this.lane(lane, index, space));
  }

  laneOf(task, kind) {
    if (kind === "worker") return [workerOf(task) || "", workerOf(task) || "unknown worker"];
    if (task.parent === null) {
      const box = this.run.boxes.get(task.box);
      return box ? [`b${box.key}`, box.lane] : [task.name, task.name];
    }
    // One lane for the same step of all iterations.
    const outer = this.run.tasks.get(task.parent);
    return [`i${this.run.boxKey(task)} ${outer ? outer.name : ""} ${task.name}`, `${outer ? `${outer.name} › ` : ""}${task.name}`];
  }

  lane(lane, index, space) {
    const now = this.run.over ? space.end : this.run.now();
    const bins = Math.max(1, Math.floor(space.width / 2));
    const change = new Float64Array(bins + 1);
    const scale = bins / (space.end - space.start);
    let broke = "";
    for (const task of lane.tasks) {
      const from = Math.min(bins - 1, Math.max(0, Math.floor((task.started - space.start) * scale)));
      const until = Math.min(bins, Math.max(from + 1, Math.ceil(((task.completed || now) - space.start) * scale)));
      change[from] += 1;
      change[until] -= 1;
      if (task.status === "failed" && task.completed) broke += `M${(space.x(task.completed) - 1).toFixed(1)} 2h2v4h-2z`;
    }
    let most = 0;
    for (let bin = 0, running = 0; bin < bins; bin += 1) { running += change[bin]; if (running > most) most = running; }
    const status = overall(lane.counts);
    const atOnce = mostAtOnce(lane.tasks, now);
    // The failures of a lane are marked where they happened; the rest went well.
    const colour = status === "failed" && lane.counts.completed ? "completed" : status;
    const shapes = [svg("path", { class: `busy is-${colour}`, d: this.profile(change, bins, most, space) })];
    if (broke) shapes.push(svg("path", { class: "broke", d: broke }));
    const title = `${lane.name}: ${lane.tasks.length} task${lane.tasks.length === 1 ? "" : "s"}, at most ${atOnce} at once, ${status}`;
    const note = lane.tasks.length === 1 ? duration((lane.tasks[0].completed || now) - lane.tasks[0].started) : `${lane.tasks.length} · ≤${atOnce}`;
    return this.line(index, lane.name, note, title, space, ...shapes);
  }

  // Steps whose height is the number of tasks at that time.
  profile(change, bins, most, space) {
    const bottom = ROW - 3;
    const tall = ROW - 7;
    const step = space.width / bins;
    let path = "";
    let running = 0;
    let open = false;
    for (let bin = 0; bin < bins; bin += 1) {
      const before = running;
      running += change[bin];
      if (running === before && bin) continue;
      const x = (space.left + bin * step).toFixed(1);
      if (running > 0 && !open) { path += `M${x} ${bottom}`; open = true; }
      if (!open) continue;
      path += `H${x}V${(bottom - (tall * Math.max(running, 0)) / most).toFixed(1)}`;
      if (running <= 0) { path += "z"; open = false; }
    }
    return open ? `${path}H${(space.left + space.width).toFixed(1)}V${bottom}z` : path;
  }
}

// Exactly; the bins of a profile count tasks that follow each other closely as one beside the other.
function mostAtOnce(tasks, now) {
  const starts = tasks.map((task) => task.started).sort((a, b) => a - b);
  const ends = tasks.map((task) => task.completed || now).sort((a, b) => a - b);
  let most = 1;
  for (let begun = 0, ended = 0; begun < starts.length; begun += 1) {
    while (ends[ended] <= starts[begun]) ended += 1;
    most = Math.max(most, begun + 1 - ended);
  }
  return most;
}

function short(time) {
  if (time < 1000) return `${time} ms`;
  if (time < 60_000) return `${+(time / 1000).toFixed(1)} s`;
  if (time < 3_600_000) return `${+(time / 60_000).toFixed(1)} m`;
  return `${+(time / 3_600_000).toFixed(1)} h`;
}

// Measured by an average width: exact enough for a name with a tooltip.
function clipped(name, pixels) {
  const most = Math.max(4, Math.floor(pixels / 6.4));
  if (name.length <= most) return name;
  const tail = Math.floor(most / 2.5);
  return `${name.slice(0, most - tail - 1)}…${name.slice(-tail)}`;
}
