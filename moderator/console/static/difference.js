// A draft against the policies in force, on recent posts.

import { post, trouble } from "./api.js";
import { $, action, fill, h, theirs, visible } from "./dom.js";
import { editor } from "./draft.js";

const draft = editor(() => {});
const button = $("#compare");
const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
const rate = (found) => `${percent(found.rate)} (${percent(found.low)} – ${percent(found.high)})`;

button.addEventListener("click", async () => {
  button.disabled = true;
  $("#progress").textContent = "Judging recent posts …";
  try {
    for (;;) {
      const answer = await post("/api/policies/diff", { draft: draft.text });
      trouble(null);
      draft.complain(answer.problems ?? []);
      if (answer.problems) {
        fill($("#comparison"));
        $("#progress").textContent = "The draft has mistakes.";
        break;
      }
      show(answer.comparison);
      $("#progress").textContent = answer.left ? `${answer.left.toLocaleString("en")} more posts to read …` : "";
      if (!answer.left) break;
    }
  } catch (error) {
    trouble(error.message);
    $("#progress").textContent = "";
  } finally {
    button.disabled = false;
  }
});

function show(found) {
  const changed = found.rules.filter((rule) => rule.stricter || rule.milder);
  fill(
    $("#comparison"),
    h("h2", {}, found.posts ? `${found.changed.posts.toLocaleString("en")} of ${found.posts.toLocaleString("en")} posts change action` : "No recent posts yet"),
    h("p", { class: "muted" }, `${rate(found.changed)}; in brackets the 95 % interval.`),
    found.unread ? h("p", { class: "muted" }, `${found.unread.toLocaleString("en")} not read in full, so in review at least, whatever the rules say.`) : null,
    found.moves.length ? h("ul", { class: "moves" }, found.moves.map((move) => h("li", { class: "row" }, action(move.before), "→", action(move.after), h("span", { class: "number" }, move.posts.toLocaleString("en"))))) : null,
    changed.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rules that change" }, table(changed)) : h("p", {}, "No rule judges a post otherwise."),
    changed.map(samples),
  );
}

function table(rules) {
  const cells = (names, kind) => names.map((name, place) => h(kind, place ? { class: "right" } : {}, name));
  return h(
    "table",
    { class: "table" },
    h("thead", {}, h("tr", {}, cells(["Rule", "Hits before", "Hits after", "Stricter", "Milder", "Action changes"], "th"))),
    h("tbody", {}, rules.map((rule) => h("tr", {}, cells([visible(rule.rule), rate(rule.before), rate(rule.after), rule.stricter, rule.milder, rule.actions_changed].map(String), "td")))),
  );
}

function samples(rule) {
  const list = (title, found) => found.length
    ? [h("h3", {}, title), h("ul", { class: "found" }, found.map((sample) => h("li", {},
        h("span", { class: "row" }, action(sample.before), "→", action(sample.after),
          h("span", { class: "muted number" }, `${score(sample.score_before)} → ${score(sample.score_after)}`)),
        sample.text ? theirs(sample.text) : h("span", { class: "muted" }, `no text, post ${visible(sample.post)}`))))]
    : [];
  return h("details", { class: "card" }, h("summary", {}, `Posts that ${visible(rule.rule)} judges otherwise`),
    list("Goes further", rule.gained), list("Holds back", rule.lost));
}

const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
