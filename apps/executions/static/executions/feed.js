// Where the page learns: rows by pages, then the stream of events, and rows again when something new turned up.

const AGAIN_AFTER = 400;
const LONGEST_PAUSE = 30_000;

export class Feed {
  // `on` has: rows(rows, fresh), told(execution), events(list), artifacts(list), connection(text), ended().
  constructor(urls, on) {
    this.urls = urls;
    this.on = on;
    this.last = null;
    this.highest = -1;
    this.pause = 1000;
    this.timer = null;
  }

  async start(over) {
    try {
      await this.read({ first: true });
    } catch (error) {
      if (this.refused(error)) return;
      this.later(() => this.start(over), "cannot be read");
      return;
    }
    this.pause = 1000;
    if (over()) this.on.ended();
    else this.listen(over);
  }

  // All rows, or those beyond the highest number known. The first page brings events and artifacts too.
  async read({ first = false, fresh = false, beyond = null } = {}) {
    let after = beyond;
    do {
      const response = await fetch(after === null ? this.urls.tasks : `${this.urls.tasks}?after=${after}`, {
        headers: { Accept: "application/json" }, redirect: "error" });
      if (!response.ok) throw Object.assign(new Error(`answered ${response.status}`), { status: response.status });
      const page = await response.json();
      this.on.told(page.execution);
      for (const row of page.tasks) this.highest = Math.max(this.highest, row[0]);
      this.on.rows(page.tasks, fresh);
      if (page.events && first) {
        if (page.events.length) this.last = page.events[page.events.length - 1].id;
        this.on.events(page.events);
      }
      if (page.artifacts) this.on.artifacts(page.artifacts);
      after = page.next;
    } while (after !== null);
  }

  listen(over) {
    const url = this.last ? `${this.urls.stream}?after=${encodeURIComponent(this.last)}` : this.urls.stream;
    const source = new EventSource(url);
    let pending = [];
    const deliver = () => { const batch = pending; pending = []; this.on.events(batch); };
    const receive = (message) => {
      const event = JSON.parse(message.data);
      if (message.lastEventId) this.last = message.lastEventId;
      // One delivery per frame; timers, unlike frames, also come to a page in the background.
      if (pending.push(event) === 1) setTimeout(deliver, 16);
    };
    for (const type of TYPES) source.addEventListener(type, receive);
    source.onmessage = receive;
    source.onopen = () => { this.pause = 1000; this.on.connection(""); };
    source.addEventListener("end", async () => {
      source.close();
      deliver();
      await this.finish(over);
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.later(() => this.resume(over), "was closed");
      else this.on.connection("Connection lost, trying again …");
    };
  }

  async resume(over) {
    try {
      await this.read();
    } catch (error) {
      if (!this.refused(error)) this.later(() => this.resume(over), "is away");
      return;
    }
    if (over()) await this.finish(over);
    else this.listen(over);
  }

  async finish(over) {
    try {
      await this.read({ fresh: true });
      this.on.connection("");
      this.on.ended();
    } catch (error) {
      if (!this.refused(error)) this.later(() => this.finish(over), "is away");
    }
  }

  later(action, why) {
    this.on.connection(`The server ${why}; trying again in ${Math.round(this.pause / 1000)} s.`);
    setTimeout(action, this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  refused(error) {
    if (![401, 403, 404].includes(error.status)) return false;
    this.on.connection("You may not see this execution any more; sign in again.");
    return true;
  }

  // Tasks nobody knew were named: read those beyond the known ones, once for many such events.
  fetchNew() {
    if (this.timer) return;
    this.timer = setTimeout(async () => {
      try {
        await this.read({ beyond: this.highest });
      } catch {
        this.timer = null;
        setTimeout(() => this.fetchNew(), 2000);
        return;
      }
      this.timer = null;
    }, AGAIN_AFTER);
  }
}

// EventSource delivers named events only to who asks for them by name.
const TYPES = [
  "execution_created", "execution_started", "execution_paused", "execution_resumed", "execution_completed", "execution_failed",
  "execution_timeout", "execution_cancelled", "execution_retried", "execution_rerun", "resource_allocated", "task_received",
  "task_started", "task_completed", "error_occurred", "task_skipped", "task_cancelled", "task_waiting", "task_expanded",
  "task_lost", "task_broken", "task_handed_over", "task_decided", "task_result_set", "task_retrying", "task_reset",
  "task_revoked", "signal_received", "compensation_started", "artifact_produced", "checkpoint",
];
