// The playground: what is typed is tried a moment later, and every score moves at once.

import { get, post, trouble } from "./api.js";
import { $, action, fill, h, visible } from "./dom.js";
import { editor } from "./draft.js";
import { imageField } from "./images.js";
import { scale } from "./scale.js";

const PAUSE_MS = 80;
const rows = new Map(); // by rule, kept so that bars move instead of being drawn anew
let timer = 0;
let under_way = null;

const text = $("#text");
text.value = sessionStorage.getItem("text") ?? text.value;
const image = imageField(soon);
const draft = editor(soon);

text.addEventListener("input", () => {
  sessionStorage.setItem("text", text.value);
  soon();
});
$("#begin").addEventListener("change", async (event) => {
  const name = event.target.value;
  if (!name) return;
  try {
    draft.put((await get(`/api/playground/draft?policy=${encodeURIComponent(name)}`)).draft);
    event.target.value = "";
  } catch (error) {
    trouble(error.message);
  }
});

function soon() {
  clearTimeout(timer);
  timer = setTimeout(attempt, PAUSE_MS);
}

const asked = () => ({ draft: draft.text, text: text.value || null, image: image.name });

async function attempt() {
  under_way?.abort();
  const mine = (under_way = new AbortController());
  try {
    const answer = await post("/api/playground/try", asked(), { signal: mine.signal });
    trouble(null);
    draft.complain(answer.problems ?? []);
    $("#fine").hidden = Boolean(answer.problems);
    if (answer.tried) show(answer.tried, answer.milliseconds);
    $("#results").classList.toggle("muted", Boolean(answer.problems));
  } catch (error) {
    if (error.name !== "AbortError") trouble(error.message);
  }
}

function show(tried, milliseconds) {
  const names = new Set(tried.rules.map((rule) => rule.score.id));
  for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
  for (const rule of tried.rules) {
    if (!rows.has(rule.score.id)) rows.set(rule.score.id, row(rule.score.id));
    rows.get(rule.score.id).set(rule);
  }
  const ordered = tried.rules.map((rule) => rows.get(rule.score.id).element);
  const list = $("#rules");
  if (ordered.length !== list.children.length || ordered.some((each, place) => list.children[place] !== each)) {
    const focused = document.activeElement;
    fill(list, ordered);
    if (list.contains(focused)) focused.focus();
  }
  const highest = tried.rules[0];
  const empty = !text.value.trim() && !image.name;
  fill($("#verdict"), empty ? "Write or drop something to try." : [action(tried.action), ` in ${milliseconds} ms`]);
  $("#said").textContent = highest && !empty
    ? `${tried.action}; highest: ${highest.title}, ${highest.score.score.toFixed(2)}` : "";
  fill($("#unread"), tried.unread.map((each) => h("li", {}, `${each.channel}: ${visible(each.reason ?? each.status)}`)));
}

function row(id) {
  const main = scale();
  const title = h("strong");
  const number = h("span", { class: "score" });
  const delta = h("span", { class: "delta" });
  const chip = h("span");
  const channels = h("div");
  const told = h("div");
  const why = h("button", { type: "button", class: "linkish", onclick: () => explain(id, told) }, "Which words moved it?");
  const element = h(
    "article",
    { class: "rule", "aria-label": id },
    h("header", {}, title, h("span", { class: "muted mono" }, visible(id)), chip, number, delta),
    main.element, channels, why, told,
  );
  const parts = new Map();
  let last = null;

  const set = ({ title: name, score, near }) => {
    title.textContent = visible(name);
    number.textContent = score.score.toFixed(3);
    const moved = last === null ? 0 : score.score - last;
    delta.textContent = Math.abs(moved) < 0.0005 ? "" : `${moved > 0 ? "▲" : "▼"} ${Math.abs(moved).toFixed(3)}`;
    last = score.score;
    fill(chip, score.action === "allow" ? null : action(score.action), score.mode ? h("span", { class: "chip" }, score.mode) : null);
    main.set(score.score, score.review_at, score.threshold);
    fill(told);
    why.hidden = !score.channels.text;
    fill(channels, Object.entries(score.channels).map(([channel, part]) => {
      if (!parts.has(channel)) parts.set(channel, scale());
      const bar = parts.get(channel);
      bar.set(part.score, score.review_at, score.threshold);
      return h(
        "div",
        { class: "channel" },
        h("span", { class: "muted" }, channel),
        bar.element,
        h("span", { class: "number" }, part.score.toFixed(3)),
        h("ul", { class: "near", "aria-label": `Nearest prompts, ${channel}` },
          near[channel]
            ? near[channel].map((each) => prompt(each.side, each.prompt, each.similarity))
            : prompt("violates", part.nearest)),
      );
    }));
  };
  return { element, set };
}

function prompt(side, words, similarity) {
  return h(
    "li",
    { class: side },
    h("span", {}, h("span", { class: "sr" }, `${side}: `), visible(words),
      similarity === undefined ? null : h("span", { class: "muted number" }, `  ${similarity.toFixed(2)}`)),
  );
}

async function explain(rule, told) {
  fill(told, h("p", { class: "muted" }, "Leaving out one word after the other …"));
  try {
    const { words, flips, problems } = await post("/api/playground/why", { ...asked(), rule });
    if (problems) return fill(told, h("p", {}, visible(problems[0].message)));
    const most = Math.max(...words.map((word) => Math.abs(word[3])), 1e-9);
    const marked = words.map(([word, , , effect]) => {
      const share = effect / most;
      const kind = share > 0.5 ? "up2" : share > 0.15 ? "up1" : share < -0.3 ? "down" : "";
      return h("mark", { class: kind, title: effect.toFixed(3) }, visible(word));
    });
    fill(told,
      h("p", { class: "words" }, marked.flatMap((mark) => [mark, " "])),
      h("p", { class: "muted" }, "Underlined in red: the score falls without it. In green: it rises."),
      h("ul", {}, flips.map((flip) => h("li", {}, visible(flip)))));
  } catch (error) {
    fill(told, h("p", {}, error.message));
  }
}

attempt();
