// The live page: frames from the server into a bounded list, of which only what is seen is drawn.

import { trouble } from "./api.js";
import { detail } from "./detail.js";
import { draw } from "./hour.js";
import { $, fill, h } from "./dom.js";
import { Rows } from "./rows.js";

const MOST = 5000; // verdicts a tab keeps
const OPTIONS = 200;

const kept = []; // the newest last
const filters = { action: "", rule: "", surface: "", text: "" };
const seen = { action: new Set(), rule: new Set(), surface: new Set() };
let paused = false;
let fresh = 0; // came while the list stood still
let fromStart = true; // the next frame is a connection's first
let leftOut = 0; // more than a frame holds

const list = $("#list");
const rows = new Rows(list, $("#rows"), (entry) => detail($("#detail"), entry));

const source = new EventSource("/api/live");
source.addEventListener("message", (event) => take(JSON.parse(event.data)));
source.addEventListener("open", () => { fromStart = true; });
source.addEventListener("error", () => trouble("the console does not answer; trying again"));

function take({ stats, entries, left_out }) {
  leftOut += left_out;
  trouble(stats.trouble);
  numbers(stats);
  if (kept.length && fromStart) {
    // After a lost connection the server begins with what it has: leave out what is known.
    const known = new Set(kept.slice(-1000).map((entry) => entry.id + entry.at));
    entries = entries.filter((entry) => !known.has(entry.id + entry.at));
  }
  fromStart = false;
  kept.push(...entries);
  if (kept.length > MOST) kept.splice(0, kept.length - MOST);
  learn(entries);
  if (still()) fresh += entries.filter(passes).length;
  else if (entries.length) show();
  note();
}


/** Whether somebody reads: then nothing moves under their eyes. */
const still = () => paused || list.scrollTop > 0 || list.contains(document.activeElement) && document.activeElement !== list;

function passes(entry) {
  if (filters.action && entry.action !== filters.action) return false;
  if (filters.surface && entry.surface !== filters.surface) return false;
  if (filters.rule && !(entry.hits ?? []).some(([rule]) => rule === filters.rule)) return false;
  if (!filters.text) return true;
  return `${entry.text ?? ""}\n${entry.post_id}`.toLowerCase().includes(filters.text);
}

function show() {
  fresh = 0;
  const any = Object.values(filters).some(Boolean);
  rows.set(any ? kept.filter(passes) : kept);
  note();
}

function note() {
  const count = rows.count;
  const text = `${count.toLocaleString("en")} ${count === 1 ? "verdict" : "verdicts"}${fresh ? `, ${fresh.toLocaleString("en")} new` : ""}`
    + (leftOut ? `, ${leftOut.toLocaleString("en")} too fast to list` : "");
  if ($("#shown").textContent !== text) $("#shown").textContent = text;
}

function numbers(stats) {
  const ms = (value) => (value === null ? "–" : [value.toLocaleString("en"), h("small", {}, " ms")]);
  fill($("#rate"), stats.rate.toLocaleString("en"));
  fill($("#p50"), ms(stats.p50));
  fill($("#p99"), ms(stats.p99));
  fill($("#lag"), stats.lag === null ? "–" : stats.lag.toLocaleString("en"));
  fill($("#waiting"), stats.waiting.toLocaleString("en"));
  draw($("#hour"), $("#legend"), stats.minutes);
}

/** Offer as filters what has been seen. */
function learn(entries) {
  for (const entry of entries) {
    offer("action", entry.action);
    if (entry.surface) offer("surface", entry.surface);
    for (const [rule] of entry.hits ?? []) offer("rule", rule);
  }
}

function offer(kind, value) {
  if (seen[kind].has(value) || seen[kind].size >= OPTIONS) return;
  seen[kind].add(value);
  const options = [...seen[kind]].sort().map((each) => h("option", { value: each, selected: each === filters[kind] }, each));
  fill($(`#by-${kind}`), h("option", { value: "" }, "all"), options);
}

for (const kind of Object.keys(filters)) {
  $(`#by-${kind}`).addEventListener("input", (event) => {
    filters[kind] = event.target.value.trim();
    if (kind === "text") filters.text = filters.text.toLowerCase();
    list.scrollTop = 0;
    show();
  });
}

$("#pause").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  event.currentTarget.textContent = paused ? "Go on" : "Pause";
  if (!paused) {
    list.scrollTop = 0;
    show();
  }
});
list.addEventListener("scroll", () => { if (!still() && fresh) show(); }, { passive: true });
