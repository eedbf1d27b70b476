// One verdict beside the list: its rules, and the post as far as it is kept.

import { get } from "./api.js";
import { action, ago, fill, h, mediaOf, picture, theirs } from "./dom.js";

export async function detail(place, entry) {
  place.hidden = false;
  const post = h("div", {}, h("p", { class: "muted" }, "…"));
  const close = h("button", { type: "button", class: "button", onclick: () => { place.hidden = true; } }, "Close");
  fill(place,
    h("p", {}, action(entry.action), " ", entry.severity ? `${entry.severity} · ` : "", ago(entry.at)),
    post,
    rules(entry.hits ?? []),
    h("p", { class: "muted mono" }, "post ", theirs(entry.post_id), entry.surface ? [" · ", theirs(entry.surface)] : []),
    close);
  const late = () => new URLSearchParams({ verdict: entry.id, receipt: JSON.stringify(entry.receipt) });
  try {
    const kept = await get(`/api/posts/${entry.post}${entry.digest ? `/${entry.digest}` : `?${late()}`}`);
    fill(post, (kept.media ?? []).map((_, at) => picture(mediaOf(kept), at, `image ${at + 1}`)),
      kept.text ? theirs(kept.text, "div") : h("p", { class: "muted" }, "without text"));
  } catch (error) {
    fill(post, h("p", { class: "muted" }, error.message));
  }
}

/** Rules with their scores, as a table. */
export function rules(hits) {
  if (!hits.length) return h("p", { class: "muted" }, "No rule reached its review line.");
  return h("table", { class: "table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Rule"), h("th", { scope: "col" }, "Asks for"), h("th", { scope: "col", class: "right" }, "Score"))),
    h("tbody", {}, hits.map(([rule, score, asked, mode, acts]) => h("tr", {},
      h("td", {}, rule, acts ? null : h("span", { class: "muted" }, ` (${mode === "enforce" ? "held back" : mode})`)),
      h("td", {}, action(asked)),
      h("td", { class: "right" }, score.toFixed(3))))));
}
