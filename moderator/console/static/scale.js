// A score between 0 and 1 as a bar, with the lines from which people look and the action is taken.

const SVG = "http://www.w3.org/2000/svg";

/** An element of SVG. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A bar that `set` moves. */
export function scale() {
  const bar = svg("rect", { class: "bar", y: "15%", height: "70%", rx: 3 });
  const look = svg("line", { class: "look", y1: 0, y2: "100%" });
  const act = svg("line", { class: "act", y1: 0, y2: "100%" });
  const ground = svg("rect", { class: "ground", y: "15%", width: "100%", height: "70%", rx: 3 });
  const element = svg("svg", { class: "scale", "aria-hidden": "true" }, ground, bar, look, act);
  const set = (score, reviewAt, threshold) => {
    bar.style.width = `${score * 100}%`;
    bar.setAttribute("class", `bar ${score >= threshold ? "act" : score >= reviewAt ? "look" : ""}`);
    for (const [line, at] of [[look, reviewAt], [act, threshold]]) {
      line.setAttribute("x1", `${at * 100}%`);
      line.setAttribute("x2", `${at * 100}%`);
    }
  };
  return { element, set };
}
