// Elements from text. Markup is never made from strings: the page's policy would refuse it.

/** An element; `attributes` may hold `class`, any attribute, and listeners such as `onclick`. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** What a stranger wrote: text, in a direction of its own, its invisible characters shown. */
export function theirs(text, name = "bdi") {
  return h(name, { class: "theirs", dir: "auto" }, visible(text));
}

// Controls that reorder or hide what follows (Unicode TR 36), except joiners, which scripts need.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** The text with invisible controls as their code points. */
export function visible(text) {
  return String(text ?? "").replace(
    HIDDEN,
    (mark) => `⟨${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/** Where the attachments of a recent post are; the digest, because another one may have its id. */
export const mediaOf = (post) => `/media/${post.key}/${post.digest}`;

/** An attachment of a post, by its place below an address; blurred until it is asked for. */
export function picture(media, place, label) {
  const image = h("img", { alt: "", decoding: "async", loading: "lazy" });
  const note = h("span", { class: "veil-note" }, `Show ${label}`);
  const button = h(
    "button",
    { type: "button", class: "veil", "aria-pressed": "false", "aria-label": `Show ${label}` },
    image,
    note,
  );
  image.addEventListener("error", () => {
    button.replaceWith(h("p", { class: "veil-none" }, `${label} cannot be shown: it is gone, or no image`));
  });
  image.src = `${media}/${place}`;
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    button.setAttribute("aria-label", `${shown ? "Hide" : "Show"} ${label}`);
    image.alt = shown ? `${label}, as posted` : "";
  });
  return button;
}

/** A chip for an action: allow, review, block or one of the policy's own. */
export function action(name) {
  return h("span", { class: `chip action-${["allow", "review", "block"].includes(name) ? name : "other"}` }, visible(name));
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** How long ago, in words. */
export function ago(ms, now = Date.now()) {
  const seconds = Math.round((ms - now) / 1000);
  if (Math.abs(seconds) < 60) return RELATIVE.format(seconds, "second");
  if (Math.abs(seconds) < 3600) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 86400) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  return RELATIVE.format(Math.round(seconds / 86400), "day");
}

/** Put these children in place of what an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const $ = (selector, root = document) => root.querySelector(selector);
