"use strict";
// What all parts of the page share: its data, elements, the view's state, which networks are shown, files to save.
const data = JSON.parse(document.getElementById("data").textContent);
const networks = data.charts.networks;
const SVG = document.getElementById("seed").namespaceURI;
const watchers = [];

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...(children || []));  // strings become text, never markup
  return element;
}
const html = (name, attributes, ...children) => build(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) => build(document.createElementNS(SVG, name), attributes, children);

// The state stands in the page's address behind "#!", as far as it isn't the usual one: a link shows what was seen.
const state = new URLSearchParams(location.hash.startsWith("#!") ? location.hash.slice(2) : "");
function remember(key, value, usual) {
  if (String(value) === String(usual)) state.delete(key); else state.set(key, value);
  history.replaceState(null, "", `#${[...state].length ? "!" : ""}${state}`);
}
function remembered(key, count, usual) {  // a place in a list
  const place = state.has(key) ? Number(state.get(key)) : usual;
  return Number.isInteger(place) && place >= 0 && place < count ? place : usual;
}
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#!")) location.reload(); });

const hiddenNetworks = new Set((state.get("hide") || "").split(",").filter(Boolean).map(Number));
function shown(index) { return !hiddenNetworks.has(index); }
function watch(redraw) { watchers.push(redraw); redraw(); }
const paint = (index) => `var(--n${index})`;

// As Python's format: toFixed is exact but for ties, which it rounds up and Python to the even digit.
function format(value, sign) {
  if (value === null || value === undefined) return "–";
  const digits = Math.abs(value) < 10 ? 3 : 2, ties = Math.abs(value) * 2 ** (digits + 1);
  let size = Math.abs(value).toFixed(digits);
  if (Number.isInteger(ties) && ties % 2 === 1) {
    const below = Math.floor(Math.abs(value) * 10 ** digits);
    size = ((below + (below % 2)) / 10 ** digits).toFixed(digits);
  }
  return `${value < 0 ? "−" : sign ? "+" : ""}${size}`;
}
function range(estimate, low, high, sign) {
  return low === null ? format(estimate, sign) : `${format(estimate, sign)} [${format(low, sign)}, ${format(high, sign)}]`;
}
function fitted(words, length) { return words.length > length ? `${words.slice(0, Math.max(1, length - 1))}…` : words; }

// A menu whose choice is part of the state; gives the element and the place chosen at first.
function menu(key, label, options, changed, usual = 0) {
  const chosen = remembered(key, options.length, usual);
  const select = html("select", { "aria-label": label }, ...options.map((title, index) => html("option", { value: index, selected: index === chosen ? "" : null }, title)));
  select.addEventListener("change", () => { remember(key, select.value, usual); changed(Number(select.value)); });
  const wrapper = html("label", {}, label, select);
  wrapper.hidden = options.length < 2;
  return [wrapper, chosen];
}
function tick(key, label, changed, usual) {
  const input = html("input", { type: "checkbox" });
  input.checked = state.has(key) ? state.get(key) === "true" : usual;
  input.addEventListener("input", () => { remember(key, input.checked, usual); changed(); });
  return [html("label", { class: "tick" }, input, ` ${label}`), input];
}
function button(label, title, pressed) {
  const made = html("button", { type: "button", title }, label);
  made.addEventListener("click", pressed);
  return made;
}

function save(blob, name) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const fileName = (words) => words.replace(/[^A-Za-z0-9_.+-]+/g, "-").replace(/^-+|-+$/g, "") || "chart";
const STROKES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "font", "text-anchor"];

// A chart as a file of its own: the page's colours and letters written into it, on the page's background.
function alone(chart) {
  const copy = chart.cloneNode(true), from = chart.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, index) => {
    const style = getComputedStyle(from[index]);
    element.setAttribute("style", STROKES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
  });
  const [, , width, height] = chart.getAttribute("viewBox").split(" ");
  for (const [name, value] of Object.entries({ xmlns: SVG, width, height })) copy.setAttribute(name, value);
  copy.prepend(svg("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor }));
  return { text: new XMLSerializer().serializeToString(copy), width: Number(width), height: Number(height) };
}
function saveSvg(chart) {
  save(new Blob([alone(chart).text], { type: "image/svg+xml" }), `${fileName(chart.getAttribute("aria-label"))}.svg`);
}
async function savePng(chart) {
  const { text, width, height } = alone(chart), image = new Image(), canvas = html("canvas", { width: 2 * width, height: 2 * height });
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  canvas.toBlob((blob) => save(blob, `${fileName(chart.getAttribute("aria-label"))}.png`));
}
function savers(paper) {
  const chart = () => paper.querySelector("svg");
  return html("span", { class: "savers" }, button("SVG", "save this chart as SVG", () => saveSvg(chart())),
    button("PNG", "save this chart as PNG", () => savePng(chart())));
}

for (const place of document.querySelectorAll("[data-networks]")) {
  networks.forEach((network, index) => {
    const made = html("button", { type: "button", "aria-pressed": String(shown(index)), "data-network": index }, network.title);
    made.style.setProperty("--network", paint(index));
    made.addEventListener("click", () => {
      if (shown(index)) hiddenNetworks.add(index); else hiddenNetworks.delete(index);
      for (const twin of document.querySelectorAll(`[data-networks] [data-network="${index}"]`)) {
        twin.setAttribute("aria-pressed", String(shown(index)));
      }
      remember("hide", [...hiddenNetworks].join(","), "");
      watchers.forEach((redraw) => redraw());
    });
    place.append(made);
  });
}
for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
