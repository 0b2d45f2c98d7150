// The live page of one execution. The server drew it as it was; from here on it follows the stream of events.

import { Approvals } from "./approvals.js";
import { Artifacts } from "./artifacts.js";
import { Feed } from "./feed.js";
import { dateAndTime, duration, element, icon, ORDER, paintBar, state, ticking } from "./format.js";
import { Gantt } from "./gantt.js";
import { Graph } from "./graph.js";
import { Held } from "./held.js";
import { Inspector } from "./inspector.js";
import { Log } from "./log.js";
import { Run } from "./run.js";

const NIL = "00000000-0000-0000-0000-000000000000";
const MOST_TROUBLES = 5;

const data = JSON.parse(document.getElementById("run-data").textContent);
const urls = {
  ...data.urls,
  task: (id) => data.urls.task.replace(NIL, id),
  explain: (id) => data.urls.explain.replace(NIL, id),
  artifact: (id) => data.urls.artifact.replace(NIL, id),
};
const byId = (id) => document.getElementById(id);

const run = new Run(data);
const artifacts = new Artifacts(run, urls);
const approvals = new Approvals(urls);
const held = new Held(run, urls);
const inspector = new Inspector(run, urls, artifacts);
const graph = new Graph(run, byId("graph"), chooseBox);
const gantt = new Gantt(run, byId("gantt"));
const log = new Log(run, urls);
const feed = new Feed(urls, {
  told(execution) { run.tell(execution); schedule(); },
  rows(rows, fresh) { run.addRows(rows, fresh); schedule(); },
  events(events) {
    for (const event of events) run.apply(event);
    if (events.some(({ type }) => type === "execution_paused" || type === "execution_resumed")) held.plan(true);
    log.add(events);
    artifacts.addFromEvents(events);
    approvals.addFromEvents(events);
    if (run.strangers) { run.strangers = false; feed.fetchNew(); }
    schedule();
  },
  artifacts(found) { artifacts.add(found); schedule(); },
  connection(text) { byId("connection").textContent = text; byId("connection").hidden = !text; },
  ended() { document.documentElement.dataset.settled = "true"; schedule(); },
});

let shownStatus = data.execution.status;
let planned = false;
let ganttDue = 0;
let ganttTimer = null;
let revealed = false;

// Whatever happens between two frames is drawn once.
function schedule() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; paint(); });
}

function paint() {
  graph.paint();
  log.paint();
  artifacts.paint();
  if (!run.changed) return;
  run.changed = false;
  paintHead();
  paintTrouble();
  held.plan();
  planGantt();
  if (inspector.isOpen) inspector.paint();
  if (!revealed && run.tasks.size) { revealed = true; graph.reveal(byId("graph-frame")); }
}

function paintHead() {
  const { status } = run.execution;
  if (status !== shownStatus) {
    shownStatus = status;
    byId("run-state").replaceChildren(state(status));
  }
  if (run.over) { approvals.clear(); byId("controls")?.remove(); byId("cancel-dialog")?.close(); }
  if (byId("controls")) { byId("pause").hidden = status === "paused"; byId("resume").hidden = status !== "paused"; }
  let total = 0;
  for (const item of byId("legend").querySelectorAll("[data-status]")) {
    const count = run.counts[item.dataset.status] || 0;
    total += count;
    item.hidden = !count;
    item.querySelector(".count").textContent = count;
    item.firstElementChild.setAttribute("aria-pressed", String(inspector.chosenStatus === item.dataset.status));
  }
  byId("total").textContent = total;
  paintBar(byId("run-bar").firstElementChild, run.counts);
  const words = ORDER.filter((each) => run.counts[each]).map((each) => `${run.counts[each]} ${each}`).join(", ");
  byId("run-bar").firstElementChild.setAttribute("aria-label", words || "no tasks yet");
  byId("started").textContent = run.execution.started ? dateAndTime(run.execution.started) : "not yet";
  paintElapsed();
}

function paintElapsed() {
  const { started, completed } = run.execution;
  byId("elapsed").textContent = !started ? "–" : completed ? duration(completed - started) : ticking(run.now() - started);
}

function paintTrouble() {
  const { error, message, status } = run.execution;
  const failed = [...run.failed].map((seq) => run.tasks.get(seq)).sort((a, b) => a.completed - b.completed);
  const box = byId("trouble");
  box.hidden = !(failed.length || error || (status === "cancelled" && message));
  if (box.hidden) return;
  const stopped = !failed.length && !error;
  box.classList.toggle("stopped", stopped);
  const sign = stopped ? "cancelled" : "failed";
  box.querySelector("h2 use").setAttribute("href", `#icon-${sign}`);
  box.querySelector("h2 .icon").setAttribute("class", `icon is-${sign}`);
  byId("trouble-title").textContent = stopped ? "Cancelled" : failed.length > 1 ? `${failed.length} steps failed` : "A step failed";
  byId("trouble-text").textContent = failed.length ? (status === "cancelled" ? message : "") : error || message;
  byId("trouble-text").hidden = !byId("trouble-text").textContent;
  const items = failed.slice(0, MOST_TROUBLES).map((task) => {
    const name = element("button", { type: "button" }, run.label(task));
    name.addEventListener("click", () => { graph.choose(run.boxKey(task)); inspector.show({ box: run.boxKey(task), status: "failed", task: task.seq }); });
    return element("li", {}, name, element("span", { class: "why" }, task.error || "no reason was given"));
  });
  if (failed.length > MOST_TROUBLES) {
    const all = element("button", { type: "button" }, `${failed.length - MOST_TROUBLES} more`);
    all.addEventListener("click", () => chooseStatus("failed"));
    items.push(element("li", {}, all));
  }
  byId("trouble-list").replaceChildren(...items);
}

// Drawing the timeline may take long for a large run: never more than a tenth of the time goes into it.
function planGantt() {
  if (ganttTimer) return;
  ganttTimer = setTimeout(() => {
    ganttTimer = null;
    const begun = performance.now();
    gantt.paint();
    const cost = performance.now() - begun;
    ganttDue = performance.now() + Math.max(400, cost * 10);
  }, Math.max(0, ganttDue - performance.now()));
}

function chooseBox(key) {
  graph.choose(key);
  inspector.show({ box: key });
}

function chooseStatus(status) {
  graph.choose(null);
  inspector.show({ status });
  paintHead();
}

inspector.onclose = () => {
  const key = graph.show;
  graph.choose(null);
  if (key !== null) graph.nodes.get(key)?.node.focus({ preventScroll: true });
  paintHead();
};

for (const item of byId("legend").querySelectorAll("[data-status]")) {
  item.firstElementChild.addEventListener("click", () => {
    if (inspector.chosenStatus === item.dataset.status) inspector.close();
    else chooseStatus(item.dataset.status);
  });
}

function fit(fits) {
  byId("graph-frame").classList.toggle("fit", fits);
  byId("fit").setAttribute("aria-pressed", String(fits));
}

byId("fit").addEventListener("click", () => fit(!byId("graph-frame").classList.contains("fit")));
// A little too wide: smaller is better than scrolling. Much too wide: scrolling is better than not being able to read.
const excess = byId("graph").getBoundingClientRect().width / byId("graph-frame").clientWidth;
if (excess > 1 && excess < 1.4) fit(true);

byId("cancel")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("cancel-dialog").showModal();
});
byId("cancel-keep")?.addEventListener("click", () => byId("cancel-dialog").close());

setInterval(() => {
  if (run.over) return;
  paintElapsed();
  graph.tick();
  held.plan();
  planGantt();
}, 1000);

paintHead();
feed.start(() => run.over);
