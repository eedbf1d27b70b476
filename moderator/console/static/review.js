// The review page: one post in hand, decided with a key.

import { get, post, trouble } from "./api.js";
import { show } from "./case.js";
import { $, ago, fill, h, theirs } from "./dom.js";

const REFRESH_MS = 4000;
const desk = $("#desk");
const note = $("#note");
const order = $("#order");

let cases = []; // as listed
let current = null; // the case in hand
let since = 0;
let waiting = 0; // things that are being done
let ready = false; // a post is shown that can be decided on
let renewing;

const said = (text) => { $("#said").textContent = text; };

let last = Promise.resolve();

/** Do one thing after the other, and say what went wrong. */
function alone(work) {
  waiting += 1;
  last = last.then(work).then(
    () => trouble(null),
    (error) => (error.status === 409 ? said(error.message) : trouble(error.message)),
  ).finally(() => { waiting -= 1; });
}

/** Decide on what is seen: a second key must not decide on a post that is not there yet. */
function decideNow(decision) {
  if (!ready) return;
  ready = false;
  alone(() => decide(decision).catch((error) => {
    ready = current !== null; // nothing was decided
    throw error;
  }));
}

async function list() {
  const found = await get(`/api/review?order=${order.value}`);
  cases = found.cases;
  $("#waiting").textContent = `${found.waiting.toLocaleString("en")} waiting`
    + (found.left_out ? `, ${found.left_out.toLocaleString("en")} milder ones left out` : "");
  const focused = document.activeElement?.dataset?.case;
  fill($("#queue"), cases.map(line));
  if (focused) $(`[data-case="${CSS.escape(focused)}"]`)?.focus();
}

function line(each) {
  const mine = each.id === current?.id;
  return h("li", {}, h("button", {
    type: "button", "data-case": each.id, "aria-current": mine ? "true" : null,
    onclick: () => alone(() => open(each.id)),
  },
  h("span", { class: "line" }, each.media ? "▣ " : "", each.text ? theirs(each.text) : h("span", { class: "muted" }, "without text")),
  h("span", { class: "meta" }, h("i", { class: `dot ${each.severity ?? ""}` }), each.severity ?? "", " ", ago(each.at),
    each.holder ? h("span", {}, "· with ", theirs(each.holder)) : null)));
}

async function open(id) {
  const found = await post(`/api/review/${id}/claim`);
  if (current && current.id !== id) post(`/api/review/${current.id}/release`).catch(() => {});
  current = found;
  since = performance.now();
  note.value = "";
  show($("#case"), current);
  ready = true;
  $("#decide").hidden = false;
  for (const button of document.querySelectorAll("#queue button")) {
    if (button.dataset.case === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  clearInterval(renewing);
  // A claim runs out unless somebody looks: a tab in the background lets go of it.
  renewing = setInterval(renew, Number(desk.dataset.claimSeconds) * 400);
}

async function renew() {
  if (document.hidden || !current) return;
  try {
    await post(`/api/review/${current.id}/claim`);
  } catch (error) {
    said(error.message);
  }
}

async function next() {
  const { id } = await post("/api/review/next", { order: order.value });
  if (id) await open(id);
  else nothing();
  await list();
}

function nothing() {
  current = null;
  ready = false;
  clearInterval(renewing);
  $("#decide").hidden = true;
  fill($("#case"), h("p", { class: "empty" }, "Nothing waits for you. New posts appear here by themselves."));
}

async function decide(decision) {
  const rule = $("input[name=rule]:checked")?.value ?? null;
  const seconds = Math.min((performance.now() - since) / 1000, 86400);
  const { id } = current;
  await post(`/api/review/${id}/decide`, { decision, rule, note: note.value, seconds });
  current = null;
  said(`${{ allow: "Allowed", block: "Blocked", wrong_rule: "Wrong rule" }[decision]}. U takes it back.`);
  await next();
  $("#case-title").focus({ preventScroll: true });
}

async function undo() {
  const { id } = await post("/api/review/undo");
  await open(id);
  await list();
  said("Taken back: the post is yours again.");
}

function step(by) {
  const at = cases.findIndex((each) => each.id === current?.id);
  for (let place = at + by; place >= 0 && place < cases.length; place += by) {
    if (!cases[place].holder) return open(cases[place].id);
  }
  said(by > 0 ? "That was the last one listed." : "That is the first one.");
}

const KEYS = {
  a: () => decideNow("allow"),
  b: () => decideNow("block"),
  w: () => decideNow("wrong_rule"),
  u: () => alone(undo),
  j: () => alone(() => step(1)),
  k: () => alone(() => step(-1)),
  n: () => note.focus(),
  i: () => document.querySelectorAll("#case .veil").forEach((veil) => veil.click()),
  "?": () => $("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.target === note && event.key === "Escape") note.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("input:not([type=radio]), select, textarea") || $("#keys").open) return;
  const choice = /^[1-9]$/.test(event.key) ? document.querySelectorAll("input[name=rule]")[event.key - 1] : null;
  if (choice) choice.checked = true;
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
  else return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("[data-decision]")) {
  button.addEventListener("click", () => decideNow(button.dataset.decision));
}
$("#undo").addEventListener("click", () => alone(undo));
$("#help").addEventListener("click", () => $("#keys").showModal());
order.addEventListener("change", () => alone(next));
setInterval(() => {
  if (!document.hidden && !waiting) alone(() => (current ? list() : next()));
}, REFRESH_MS);
alone(next);
