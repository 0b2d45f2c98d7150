// What the run has left so far, newest last; pictures are shown.

import { bytes, element } from "./format.js";
import { sequenceOf } from "./run.js";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);
const MOST = 500;

export class Artifacts {
  constructor(run, urls) {
    this.run = run;
    this.urls = urls;
    this.list = document.getElementById("artifacts");
    this.found = new Map();
    this.fresh = [];
  }

  of(seq) { return [...this.found.values()].filter((artifact) => artifact.task === seq); }

  add(artifacts) {
    for (const artifact of artifacts) {
      if (this.found.has(artifact.id) || this.found.size >= MOST) continue;
      this.found.set(artifact.id, artifact);
      this.fresh.push(artifact);
    }
  }

  addFromEvents(events) {
    this.add(events.filter((event) => event.type === "artifact_produced" && event.payload.id).map((event) => ({
      id: event.payload.id, name: event.payload.name, type: event.payload.artifact_type, content_type: event.payload.content_type,
      size: event.payload.size, task: sequenceOf(event.task) })));
  }

  paint() {
    if (!this.fresh.length) return;
    this.list.append(...this.fresh.map((artifact) => this.item(artifact)));
    this.fresh = [];
  }

  item(artifact) {
    const url = this.urls.artifact(artifact.id);
    const task = this.run.tasks.get(artifact.task);
    const about = [artifact.type, bytes(artifact.size), task ? `by ${this.run.label(task)}` : null].filter(Boolean).join(" · ");
    const picture = PICTURES.has(artifact.content_type) ? element("a", { href: url, tabindex: "-1", "aria-hidden": "true" }, element("img", { src: url, alt: "", loading: "lazy" })) : null;
    return element("li", {}, element("a", { href: url }, artifact.name), element("span", { class: "sub" }, about), picture);
  }
}
