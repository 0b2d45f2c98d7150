// Words and small elements. What a run says is always set as text, never as markup.

export const ORDER = ["completed", "failed", "cancelled", "skipped", "executing", "waiting", "dispatched", "pending"];
export const ENDED = new Set(["completed", "failed", "cancelled", "skipped"]);
export const RUN_OVER = new Set(["completed", "failed", "cancelled", "timeout"]);
const SVG = "http://www.w3.org/2000/svg";

export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

// Elapsed time of something that goes on: whole seconds, so that it does not flicker.
export function ticking(milliseconds) {
  return duration(milliseconds < 60_000 ? Math.floor(Math.max(0, milliseconds) / 1000) * 1000 || 0 : milliseconds)
    .replace(/^0 ms$/, "0 s")
    .replace(/\.0 s$/, " s");
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export function timeOfDay(milliseconds, fraction = false) {
  const text = clock.format(milliseconds);
  return fraction ? `${text}.${String(Math.floor(milliseconds) % 1000).padStart(3, "0")}` : text;
}

export function dateAndTime(milliseconds) {
  const today = day.format(milliseconds) === day.format(Date.now());
  return today ? timeOfDay(milliseconds) : `${day.format(milliseconds)}, ${timeOfDay(milliseconds)}`;
}

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = size;
  let unit = -1;
  do { value /= 1000; unit += 1; } while (value >= 1000 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

// A claim is signed "worker/task".
export function workerOf(task) { return (task.worker || "").split("/")[0]; }

export function progress(counts) {
  const total = ORDER.reduce((sum, status) => sum + (counts[status] || 0), 0);
  if (!total) return "";
  const worst = ["failed", "cancelled"].find((status) => counts[status]);
  return `${(counts.completed || 0) + (counts.skipped || 0)}/${total} done${worst ? `, ${counts[worst]} ${worst}` : ""}`;
}

// One word for many tasks: the most pressing one. The same rule as `overall` in pages/drawing.py.
export function overall(counts) {
  for (const status of ["failed", "executing", "dispatched", "waiting"]) if (counts[status]) return status;
  const ended = (counts.completed || 0) + (counts.skipped || 0) + (counts.cancelled || 0);
  if (counts.pending) return ended ? "waiting" : "pending";
  return ["cancelled", "completed", "skipped"].find((status) => counts[status]) || "pending";
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function icon(status, size = 16) {
  return svg("svg", { class: "icon", width: size, height: size, "aria-hidden": "true" }, svg("use", { href: `#icon-${status}` }));
}

export function state(status) {
  return element("span", { class: `state is-${status}` }, icon(status), element("span", { class: "word" }, status));
}

// Fill a group of an SVG with the parts of a state bar.
export function paintBar(group, counts, { x = 12, y = 0, width = 176, height = 8 } = {}) {
  const total = ORDER.reduce((sum, status) => sum + (counts[status] || 0), 0);
  const parts = [];
  const least = (2 / 176) * width; // one failure among thousands must be seen
  const room = width - least * ORDER.filter((status) => counts[status]).length;
  let left = x;
  for (const status of ORDER) {
    const count = counts[status];
    if (!count) continue;
    const share = least + (room * count) / total;
    parts.push(svg("rect", { class: `part is-${status}`, x: left.toFixed(2), y, width: share.toFixed(2), height },
      svg("title", {}, `${count} ${status}`)));
    left += share;
  }
  group.querySelectorAll(".part").forEach((part) => part.remove());
  group.append(...parts);
}
