// A draft of a policy: kept in the tab from page to page, with line numbers and what is wrong.

import { $, fill, h, visible } from "./dom.js";

const KEPT = "draft";

export const kept = () => sessionStorage.getItem(KEPT);
export const keep = (text) => sessionStorage.setItem(KEPT, text);

/** The editor of the page: `changed` is told when the draft changes, whoever changed it. */
export function editor(changed) {
  const area = $("#draft");
  const gutter = $("#gutter");
  const list = $("#problems");
  let wrong = new Set();

  const number = () => {
    const lines = area.value.split("\n").length;
    const marks = Array.from({ length: lines }, (_, place) => {
      const text = `${place + 1}${place + 1 < lines ? "\n" : ""}`;
      return wrong.has(place + 1) ? h("b", {}, text) : text;
    });
    fill(gutter, marks);
    gutter.scrollTop = area.scrollTop;
  };
  const put = (text) => {
    area.value = text;
    touched();
    const first = text.split("\n").findIndex((line) => line && !line.startsWith("#")); // below the comments on top
    area.scrollTop = Math.max(0, first - 1) * parseFloat(getComputedStyle(area).lineHeight);
  };
  const touched = () => {
    keep(area.value);
    number();
    changed();
  };
  const goTo = (line) => {
    const start = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = area.value.indexOf("\n", start);
    area.focus();
    area.setSelectionRange(start, end < 0 ? area.value.length : end);
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 4) * height);
  };
  const complain = (problems) => {
    wrong = new Set(problems.map((problem) => problem.line));
    number();
    fill(
      list,
      problems.slice(0, 30).map((problem) =>
        h(
          "li",
          {},
          problem.line ? h("button", { type: "button", onclick: () => goTo(problem.line) }, `Line ${problem.line}`) : null,
          problem.line ? `: ${visible(problem.message)}` : visible(problem.message),
          problem.excerpt ? h("pre", { tabindex: "0", "aria-label": `Line ${problem.line}` }, visible(problem.excerpt)) : null,
        ),
      ),
      problems.length > 30 ? h("li", {}, `… and ${problems.length - 30} more`) : null,
    );
  };

  area.addEventListener("input", touched);
  area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
  area.value = kept() ?? area.value;
  number();
  return { put, complain, get text() { return area.value; } };
}
