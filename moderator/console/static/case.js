// A post that waits: what it says, and why it was stopped.

import { get } from "./api.js";
import { $, action, ago, fill, h, picture, theirs, visible } from "./dom.js";

/** Show a case; the reasons, which need the models, come when they are there. */
export function show(place, found) {
  const { verdict, post } = found;
  const rules = (verdict.rules ?? []).toSorted((one, other) => other.score - one.score);
  const leading = (rules.find((rule) => !rule.shadow) ?? rules[0])?.id;
  fill(place,
    found.second ? h("p", { class: "second" }, "A second look: somebody else has decided on this post. What they said is not shown.") : null,
    post ? content(post, `/api/review/${found.id}/media`) : h("p", { class: "muted" }, "The post that this verdict is on is not kept any longer, or another one has its id by now: only the verdict is here."),
    facts(found),
    h("fieldset", { class: "rules-list" }, h("legend", {}, "Rules that stopped it"),
      rules.map((rule, at) => ruleCard(rule, at, rule.id === leading))),
    h("div", { class: "more", id: "more" }, post ? h("p", { class: "muted" }, "Asking the models for the reasons …") : ""));
  if (post) reasons(found.id, place);
}

function content(post, media) {
  const cut = (post.characters ?? 0) > (post.text ?? "").length;
  return [
    post.text ? h("div", { class: "post-text", id: "post-text", tabindex: "0", role: "group", "aria-label": "Text of the post" }, theirs(post.text, "div"))
      : h("p", { class: "muted" }, "The post has no text."),
    cut ? h("p", { class: "muted" }, `Its first ${post.text.length.toLocaleString("en")} of ${post.characters.toLocaleString("en")} characters.`) : null,
    post.media?.length ? h("div", { class: "images" }, post.media.map((_, at) => picture(media, at, `image ${at + 1}`))) : null,
    post.more_media ? h("p", { class: "muted" }, `And ${post.more_media} more, which are not shown.`) : null,
  ];
}

function facts({ verdict, post, at }) {
  const pairs = [
    ["Severity", verdict.severity], ["Judged", ago(at)], ["Surface", verdict.surface], ["Author", post?.author],
    ["Tier", post?.tier], ["Language", post?.lang], ["Post", verdict.post_id], ["Policy", `${verdict.policy.name} ${verdict.policy.version}`],
    ...(verdict.modalities ?? []).filter((part) => part.status !== "read").map((part) => [`${part.channel} ${part.status}`, part.reason ?? part.code]),
  ];
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, theirs(String(value).slice(0, 200))))));
}

function ruleCard(rule, at, chosen) {
  return h("div", { class: "rule", "data-rule": rule.id },
    h("label", {},
      h("input", { type: "radio", name: "rule", value: rule.id, checked: chosen }),
      h("kbd", {}, String(at + 1)), h("span", { class: "title" }, rule.id), action(rule.action),
      rule.shadow ? h("span", { class: "muted" }, "shadow") : null,
      h("span", { class: "right muted number" }, rule.severity)),
    h("div", { class: "why" }, meter("all", rule.score, rule.review_at, rule.threshold),
      Object.entries(rule.channels).map(([name, part]) => meter(name, part.score, rule.review_at, rule.threshold))),
    h("ul", { class: "prompts" }, Object.entries(rule.channels).map(([name, part]) =>
      h("li", {}, h("span", { class: "muted" }, name), h("span", {}, "near"), h("span", {}, `“${visible(part.nearest)}”`)))));
}

function meter(name, score, review, act) {
  const bar = h("i");
  bar.style.width = `${Math.min(100, 100 * score)}%`;
  const marks = [review, act].map((at) => {
    const mark = h("b");
    mark.style.left = `${Math.min(99.5, 100 * at)}%`;
    return mark;
  });
  return h("div", { class: "meter" }, h("span", { class: "muted" }, name), h("span", { class: "track", "aria-hidden": "true" }, bar, marks),
    h("span", { class: "number", title: `review from ${review}, action from ${act}` }, score.toFixed(3)));
}

async function reasons(id, place) {
  const more = $("#more", place);
  try {
    const found = await get(`/api/review/${id}/why`);
    if (!more.isConnected) return;
    explain(place, found);
    fill(more, similar(await get(`/api/review/${id}/similar`)));
  } catch (error) {
    if (more.isConnected) fill(more, h("p", { class: "muted" }, `No reasons: ${error.message}`));
  }
}

function explain(place, rules) {
  for (const rule of rules) {
    const card = $(`[data-rule="${CSS.escape(rule.id)}"]`, place);
    if (!card) continue;
    $(".title", card).textContent = rule.title;
    $(".title", card).title = rule.id;
    const parts = Object.entries(rule.parts).map(([name, score]) => h("li", {},
      h("span", { class: "muted" }, "part"), h("span", { class: "number" }, score.toFixed(3)), h("span", {}, name)));
    fill($(".prompts", card), parts, rule.prompts.map((prompt) => h("li", {},
      h("span", { class: "muted" }, prompt.side), h("span", { class: "number" }, prompt.cosine.toFixed(2)), h("span", {}, `“${visible(prompt.text)}”`))));
    card.addEventListener("change", () => mark(place, rule));
  }
  const chosen = $("input[name=rule]:checked", place)?.value;
  const rule = rules.find((each) => each.id === chosen) ?? rules[0];
  if (rule) mark(place, rule);
}

/** Mark the words that weigh most for a rule; in a disguised text those that people read in it. */
function mark(place, rule) {
  const text = $("#post-text", place);
  if (!text || !rule.marked.length) return;
  text.dataset.shown ??= text.textContent;
  const marked = h("div", { class: "theirs", dir: "auto" }, rule.marked.map(([piece, weight]) => {
    if (!weight) return visible(piece);
    return h("mark", { class: weight > 0.66 ? "strong" : weight > 0.33 ? "middle" : "weak", title: `weight ${Math.round(100 * weight)} %` }, visible(piece));
  }));
  if (!rule.as_read) return fill(text, marked);
  const shown = h("div", { class: "theirs", dir: "auto" }, text.dataset.shown);
  fill(text, [shown, h("p", { class: "muted" }, "What people read in it:"), marked]);
}

function similar(posts) {
  if (!posts.length) return [];
  return [h("h3", {}, "Recent posts like it"), h("ul", { class: "similar" }, posts.map((each) => h("li", {},
    h("span", { class: "number muted" }, each.cosine.toFixed(2)), h("span", { class: "muted" }, ago(each.at)),
    each.text ? theirs(each.text) : h("span", { class: "muted" }, "image"))))];
}
