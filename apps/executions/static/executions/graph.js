// The graph was drawn by the server; here its boxes follow the run.

import { duration, overall, paintBar, progress, ticking } from "./format.js";

const WORDS_COLUMNS = 22;

export class Graph {
  constructor(run, root, choose) {
    this.run = run;
    this.nodes = new Map();
    for (const node of root.querySelectorAll(".box")) {
      const key = Number(node.dataset.key);
      const bar = node.querySelector(".bar");
      this.nodes.set(key, { node, use: node.querySelector("use"), words: node.querySelector(".words"), bar, status: node.dataset.status, text: null });
      node.addEventListener("click", () => choose(key));
      node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(key); }
        else this.walk(event, key);
      });
    }
    this.order = [...this.nodes.keys()];
    this.show = null;
  }

  // Arrow keys go from box to box, to the nearest one in their direction.
  walk(event, key) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    const centre = (which) => {
      const place = this.nodes.get(which).node.getBoundingClientRect();
      return [place.left + place.width / 2, place.top + place.height / 2];
    };
    const [x, y] = centre(key);
    let best = null;
    let least = Infinity;
    for (const other of this.order) {
      const [otherX, otherY] = centre(other);
      const along = (otherX - x) * direction[0] + (otherY - y) * direction[1];
      const aside = Math.abs((otherX - x) * direction[1]) + Math.abs((otherY - y) * direction[0]);
      if (along > 5 && along + 2 * aside < least) { best = other; least = along + 2 * aside; }
    }
    if (best !== null) this.nodes.get(best).node.focus();
  }

  choose(key) {
    if (this.show !== null) this.nodes.get(this.show)?.node.removeAttribute("aria-pressed");
    this.show = key;
    if (key !== null) this.nodes.get(key)?.node.setAttribute("aria-pressed", "true");
  }

  paint() {
    for (const key of this.run.dirty) this.paintBox(this.run.boxes.get(key));
    this.run.dirty.clear();
  }

  tick() {
    for (const box of this.run.boxes.values()) if (box.own.executing || box.own.waiting) this.paintWords(box);
  }

  paintBox(box) {
    const drawn = this.nodes.get(box.key);
    if (!drawn) return;
    const status = overall(box.own);
    if (status !== drawn.status) {
      drawn.node.classList.replace(`is-${drawn.status}`, `is-${status}`);
      drawn.use.setAttribute("href", `#icon-${status}`);
      drawn.node.dataset.status = drawn.status = status;
    }
    if (drawn.bar) paintBar(drawn.bar, this.barCounts(box), { y: 65, height: 6 });
    this.paintWords(box);
  }

  barCounts(box) { return box.composite && !box.group ? box.inner : box.own; }

  paintWords(box) {
    const drawn = this.nodes.get(box.key);
    const status = drawn.status;
    let words = (drawn.bar && progress(this.barCounts(box))) || status;
    if (words.length > WORDS_COLUMNS) { /* no room for a time beside them */ }
    else if (box.started && status === "executing") words += ` · ${ticking(this.run.now() - box.started)}`;
    else if (box.started && box.completed && (status === "completed" || status === "failed")) words += ` · ${duration(box.completed - box.started)}`;
    if (words === drawn.text) return;
    drawn.text = drawn.words.textContent = words;
    drawn.node.setAttribute("aria-label", `${box.title}, ${box.kind || "steps"}, ${status}, ${words}`);
  }

  // Bring what runs, or else what failed, into view.
  reveal(frame) {
    const wanted = ["executing", "failed", "dispatched", "waiting"];
    const drawn = wanted.map((status) => [...this.nodes.values()].find((each) => each.status === status)).find(Boolean);
    if (!drawn || frame.scrollWidth <= frame.clientWidth) return;
    const box = drawn.node.getBoundingClientRect();
    const view = frame.getBoundingClientRect();
    frame.scrollLeft += box.left - view.left - view.width / 3;
    frame.scrollTop += box.top - view.top - view.height / 3;
  }
}
