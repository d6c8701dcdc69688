"use strict";
// What all parts of the page share: its data, elements, and which networks are shown.
const data = JSON.parse(document.getElementById("data").textContent);
const networks = data.charts.networks;
const SVG = document.getElementById("seed").namespaceURI;
const hiddenNetworks = new Set();
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

function shown(index) { return !hiddenNetworks.has(index); }
function watch(redraw) { watchers.push(redraw); redraw(); }

function format(value, digits) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(digits === undefined ? (Math.abs(value) < 10 ? 3 : 2) : digits).replace("-", "−");
}

function menu(label, options, changed) {
  const select = html("select", {}, ...options.map((title, index) => html("option", { value: index }, title)));
  select.addEventListener("change", () => changed(Number(select.value)));
  const wrapper = html("label", {}, label, select);
  wrapper.hidden = options.length < 2;
  return wrapper;
}

for (const place of document.querySelectorAll("[data-networks]")) {
  networks.forEach((network, index) => {
    const button = html("button", { type: "button", "aria-pressed": "true", "data-network": index }, network.title);
    button.style.setProperty("--network", network.colour);
    button.addEventListener("click", () => {
      if (shown(index)) hiddenNetworks.add(index); else hiddenNetworks.delete(index);
      for (const twin of document.querySelectorAll(`[data-networks] [data-network="${index}"]`)) {
        twin.setAttribute("aria-pressed", String(shown(index)));
      }
      watchers.forEach((redraw) => redraw());
    });
    place.append(button);
  });
}
for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
