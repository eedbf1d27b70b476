// A list of any length with as many elements as fit: rows are moved and filled anew.

import { h, visible } from "./dom.js";

const HEIGHT = 36; // pixels; as in live.css
const SPARE = 4;

export class Rows {
  constructor(viewport, inner, open) {
    this.viewport = viewport;
    this.inner = inner;
    this.open = open;
    this.entries = [];
    this.pool = [];
    this.asked = false;
    viewport.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.ask()).observe(viewport);
  }

  get count() {
    return this.entries.length;
  }

  /** Show these, the last one on top. They are copied: a list that stands still stays as it is. */
  set(entries) {
    this.entries = entries.slice();
    this.ask();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  draw() {
    const count = this.entries.length;
    const first = Math.max(0, Math.floor(this.viewport.scrollTop / HEIGHT) - SPARE);
    const fits = Math.ceil(this.viewport.clientHeight / HEIGHT) + 2 * SPARE;
    const height = `${count * HEIGHT}px`;
    if (this.inner.style.height !== height) this.inner.style.height = height;
    this.viewport.setAttribute("aria-rowcount", String(count));
    while (this.pool.length < fits) this.pool.push(this.make());
    this.pool.forEach((row, place) => {
      const at = first + place;
      const entry = place < fits ? this.entries[count - 1 - at] : undefined;
      row.element.hidden = entry === undefined;
      if (entry) this.write(row, entry, at);
    });
  }

  make() {
    const cell = (attributes, ...children) => h("span", { role: "cell", ...attributes }, ...children);
    const chip = h("span", { class: "chip" });
    const text = h("button", { type: "button", dir: "auto" });
    const row = {
      time: cell({ class: "muted number" }), chip, rule: cell({}), text, ms: cell({ class: "muted number right" }),
    };
    row.element = h("div", { class: "row", role: "row" }, row.time, cell({}, chip), row.rule, cell({}, text), row.ms);
    text.addEventListener("click", () => this.open(row.entry));
    this.inner.append(row.element);
    return row;
  }

  write(row, entry, at) {
    row.element.style.transform = `translateY(${at * HEIGHT}px)`;
    if (row.entry === entry) return;
    row.entry = entry;
    row.element.setAttribute("aria-rowindex", String(at + 1));
    row.time.textContent = new Date(entry.at).toTimeString().slice(0, 8);
    const known = ["allow", "review", "block"].includes(entry.action) ? entry.action : "other";
    row.chip.className = `chip action-${known}`;
    row.chip.textContent = entry.action;
    const top = leading(entry.hits ?? []);
    row.rule.textContent = top ? `${top[0]} ${top[1].toFixed(2)}` : "";
    const images = entry.media ? `${"▣".repeat(Math.min(entry.media, 3))} ` : "";
    row.text.textContent = images + (visible(entry.text) || entry.post_id);
    row.ms.textContent = `${(entry.ms ?? 0).toFixed(1)} ms`;
  }
}

/** The rule that decided: of those that act, the one with the highest score. */
function leading(hits) {
  const acting = hits.filter((hit) => hit[4]);
  return (acting.length ? acting : hits).toSorted((one, other) => other[1] - one[1])[0];
}
