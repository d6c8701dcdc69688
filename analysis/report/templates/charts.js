// Charts: metric over levels, DSC against texture disparity, performance against robustness.
const DASHES = { "-": null, "--": "7 4", ":": "2 3", "-.": "7 3 2 3" };
const LEFT = 62, RIGHT = 16, TOP = 14;
// Of the chart being drawn, in its own pixels: as wide as its paper, so that words keep their size; titles on the x axis
// that have no room side by side are tilted, and get more room below.
let WIDTH = 760, HEIGHT = 400, BOTTOM = 52, tilted = false;

function ticks(low, high) {
  const raw = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i += 1) found.push(Number((i * step).toPrecision(10)));
  return found;
}

function scale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

// From where to where an axis runs: shares from 0 to 1, unless all lies within less than half of that, or within the half
// that is asked for; other values from 0.
function reachOf(values, bounded, whole) {
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.08 || 0.02;
  if (!values.length) return [0, 1];
  if (!bounded) return [Math.min(0, low * 1.05), Math.max(0, high * 1.05) || 1];
  if (whole || high - low > 0.5) return [Math.min(0, low), 1];
  return [low - room < 0.02 && low >= 0 ? 0 : low - room, Math.min(1, high + room)];
}
const zoomed = ([low, high], bounded) => (bounded && (low > 0 || high < 1) ? `; axis from ${format(Math.max(low, -1))} to ${format(high)}` : "");

function frame(chart, y, yTicks, yTitle, xTitle) {
  const axes = svg("g", { "aria-hidden": "true" });
  for (const tick of yTicks) {
    axes.append(svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
    axes.append(svg("text", { x: LEFT - 7, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  axes.append(svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  axes.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, xTitle));
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  axes.append(svg("text", { x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, yTitle));
  chart.append(axes);
}

function xAxis(chart, x, places, titles) {
  places.forEach((place, index) => {
    const at = x(place), below = HEIGHT - BOTTOM + (tilted ? 12 : 18);
    const turn = tilted ? { "text-anchor": "end", transform: `rotate(-35 ${at} ${below})` } : { "text-anchor": "middle" };
    chart.append(svg("text", { x: at, y: below, "aria-hidden": "true", ...turn }, titles[index]));
  });
}

function polygon(x, y, radius, n) {
  const corner = (i) => `${x + radius * Math.sin((2 * Math.PI * i) / n)} ${y - radius * Math.cos((2 * Math.PI * i) / n)}`;
  return `M${Array.from({ length: n }, (_, i) => corner(i)).join("L")}Z`;
}

function marker(kind, x, y, size, attributes) {
  const s = size, t = size * 0.5, u = size * 1.25;
  const shapes = {
    s: `M${x - s} ${y - s}h${2 * s}v${2 * s}h${-2 * s}Z`,
    "^": `M${x} ${y - s * 1.2}L${x + s * 1.2} ${y + s}L${x - s * 1.2} ${y + s}Z`,
    v: `M${x} ${y + s * 1.2}L${x + s * 1.2} ${y - s}L${x - s * 1.2} ${y - s}Z`,
    D: `M${x} ${y - s * 1.3}L${x + s * 1.3} ${y}L${x} ${y + s * 1.3}L${x - s * 1.3} ${y}Z`,
    "<": `M${x - s * 1.2} ${y}L${x + s} ${y - s * 1.2}L${x + s} ${y + s * 1.2}Z`,
    ">": `M${x + s * 1.2} ${y}L${x - s} ${y - s * 1.2}L${x - s} ${y + s * 1.2}Z`,
    P: `M${x - t} ${y - u}h${2 * t}v${u - t}h${u - t}v${2 * t}h${t - u}v${u - t}h${-2 * t}v${t - u}h${t - u}v${-2 * t}h${u - t}Z`,
    X: `M${x} ${y - t}l${t} ${-t}l${t} ${t}l${-t} ${t}l${t} ${t}l${-t} ${t}l${-t} ${-t}l${-t} ${t}l${-t} ${-t}l${t} ${-t}l${-t} ${-t}l${t} ${-t}Z`,
    p: polygon(x, y, s * 1.25, 5),
    h: polygon(x, y, s * 1.25, 6),
  };
  const round = `M${x - s} ${y}a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0Z`;
  return svg("path", { d: shapes[kind] || round, ...attributes });
}

// A mark tells its numbers under the pointer, and, where it can be reached with Tab, on focus.
function telling(paper, mark, words, reachable) {
  if (reachable) { mark.setAttribute("tabindex", "0"); mark.setAttribute("role", "img"); mark.setAttribute("aria-label", words.replace(/\n/g, ", ")); }
  mark.classList.add("mark");
  const show = () => {
    hide();
    const tip = html("div", { class: "tip" }, words);
    paper.append(tip);
    const box = mark.getBoundingClientRect(), outer = paper.getBoundingClientRect();
    const left = Math.min(box.right - outer.left + 8, outer.width - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(4, left) + paper.scrollLeft}px`;
    tip.style.top = `${Math.max(4, box.top - outer.top - tip.offsetHeight - 4)}px`;
  };
  const hide = () => { for (const old of paper.querySelectorAll(".tip")) old.remove(); };
  mark.addEventListener("mouseenter", show);
  mark.addEventListener("focus", show);
  mark.addEventListener("mouseleave", hide);
  mark.addEventListener("blur", hide);
  return mark;
}

function start(paper, name, titles) {
  WIDTH = Math.max(280, Math.min(1100, paper.clientWidth - 18));
  HEIGHT = 400;
  tilted = Math.max(0, ...titles.map((title) => title.length)) * 6.6 > (WIDTH - LEFT - RIGHT) / (titles.length || 1);
  BOTTOM = tilted ? 88 : 52;
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": name });
  paper.replaceChildren(chart);
  return chart;
}

function drawLevels(paper, { setting, metric, whole }) {
  const chart = start(paper, `${metric.title} over levels, ${setting.dataset}, ${setting.title}`, setting.levels);
  const series = setting.means[metric.name].filter((one) => shown(one.network));
  const all = series.flatMap((one) => [...one.mean, ...one.low, ...one.high]).filter((value) => value !== null);
  const reach = reachOf(all, metric.bounded, whole);
  const n = setting.levels.length;
  const x = scale(-0.5, n - 0.5, LEFT, WIDTH - RIGHT), y = scale(...reach, HEIGHT - BOTTOM, TOP);
  const unit = metric.signed ? "0 is best" : metric.bounded ? `${metric.lower ? "lower" : "higher"} is better` : `${setting.unit}, lower is better`;
  frame(chart, y, ticks(...reach), `mean ${metric.title} (${unit}${zoomed(reach, metric.bounded)})`, setting.axis);
  xAxis(chart, x, setting.levels.map((_, index) => index), setting.levels);
  if (setting.reference !== null) {
    const at = x(setting.reference);
    chart.append(svg("line", { class: "axis", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM, "stroke-dasharray": "2 3" }));
  }
  series.forEach((one, place) => {
    const look = networks[one.network], shift = (place - (series.length - 1) / 2) * Math.min(9, (0.6 * (WIDTH - LEFT - RIGHT)) / n / series.length);
    const known = one.mean.map((value, level) => ({ value, level })).filter((point) => point.value !== null);
    const points = known.map((point) => `${x(point.level) + shift} ${y(point.value)}`);
    const group = svg("g", { "data-series": one.network, style: `stroke:${paint(one.network)};fill:none;stroke-width:2` });
    if (points.length && setting.joined) group.append(svg("path", { d: `M${points.join("L")}`, "stroke-dasharray": DASHES[look.dashes] }));
    for (const { value, level } of known) {
      const low = one.low[level], high = one.high[level], at = x(level) + shift;
      if (low !== null) group.append(svg("line", { x1: at, x2: at, y1: y(low), y2: y(high), style: "stroke-width:1.2" }));
      const told = low === null ? "no interval" : `95 % interval ${format(low)} to ${format(high)}`;
      const words = `${look.title}${one.degenerate ? " (not ranked)" : ""}\n${setting.levels[level]}: ${format(value)}\n${told}\nn = ${one.n[level][0]} cases in ${one.n[level][1]} groups`;
      group.append(telling(paper, marker(look.marker, at, y(value), 4.2, { style: `fill:${one.degenerate ? "var(--page)" : paint(one.network)}` }), words, true));
    }
    chart.append(group);
  });
}

function drawDisparity(paper, { setting, whole }) {
  const chart = start(paper, `DSC against texture disparity, ${setting.dataset}, ${setting.title}`, []);
  const series = setting.disparity.series.filter((one) => shown(one.network));
  const all = setting.disparity.series.flatMap((one) => one.points.map((point) => point[2]));
  const low = Math.min(...all), high = Math.max(...all), room = (high - low) * 0.03;
  const reach = reachOf(series.flatMap((one) => one.points.map((point) => point[3])), true, whole);
  const x = scale(low - room, high + room, LEFT, WIDTH - RIGHT), y = scale(...reach, HEIGHT - BOTTOM, TOP);
  frame(chart, y, ticks(...reach), `DSC (higher is better${zoomed(reach, true)})`, `${setting.disparity.measure.replace("TD", "texture disparity (TD)")}: further right is easier`);
  const places = ticks(low, high);
  xAxis(chart, x, places, places.map(String));
  for (const one of series) {
    const look = networks[one.network];
    const group = svg("g", { "data-series": one.network });
    for (const [number, level, disparity, value] of one.points) {
      const words = `${look.title}\n${setting.disparity.cases[number]}\n${setting.levels[level]}: DSC ${format(value)}, ${setting.disparity.measure} ${format(disparity)}`;
      group.append(telling(paper, marker(look.marker, x(disparity), y(value), 2.4, { style: `fill:${paint(one.network)};fill-opacity:.55` }), words, false));
    }
    if (one.slope !== null) {
      const end = (at) => y(Math.max(reach[0], Math.min(reach[1], one.intercept + one.slope * at)));
      const line = svg("line", { x1: x(low), y1: end(low), x2: x(high), y2: end(high), style: `stroke:${paint(one.network)};stroke-width:2.4`, "stroke-dasharray": DASHES[look.dashes] });
      group.append(telling(paper, line, `${look.title}\nTheil-Sen slope ${format(one.slope, true)} per unit of ${setting.disparity.measure}`, true));
    }
    chart.append(group);
  }
}

function drawTradeoff(paper, { setting }) {
  const chart = start(paper, `Performance against robustness, ${setting.dataset}, ${setting.title}`, []);
  const points = setting.tradeoff.points;
  const reach = (axis) => {
    const values = points.flatMap((point) => point[axis]).filter((value) => value !== null);
    const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.08 || 0.05;
    return [low - room, high + room];
  };
  const [left, right] = reach("x"), [low, high] = reach("y");
  const x = scale(left, right, LEFT, WIDTH - RIGHT), y = scale(low, high, HEIGHT - BOTTOM, TOP);
  frame(chart, y, ticks(low, high), "CV of the DSC across levels (lower is steadier)", `mean DSC ${setting.tradeoff.level} (further right is better)`);
  const places = ticks(left, right);
  xAxis(chart, x, places, places.map(String));
  for (const point of points.filter((one) => shown(one.network))) {
    const look = networks[point.network], colour = paint(point.network);
    const [px, xLow, xHigh] = point.x, [py, yLow, yHigh] = point.y;
    const group = svg("g", { "data-series": point.network, style: `stroke:${colour};stroke-width:1.3` });
    if (xLow !== null) group.append(svg("line", { x1: x(xLow), x2: x(xHigh), y1: y(py), y2: y(py) }));
    if (yLow !== null) group.append(svg("line", { x1: x(px), x2: x(px), y1: y(yLow), y2: y(yHigh) }));
    const status = point.degenerate ? "not ranked" : point.front ? "on the Pareto front" : "another network is better in both";
    const words = `${look.title}\nmean DSC ${format(px)}, CV ${format(py)}\n${status}`;
    const strokes = `fill:${point.degenerate ? "var(--page)" : colour};stroke:${point.front ? "var(--ink)" : colour};stroke-width:2`;
    group.append(telling(paper, marker(look.marker, x(px), y(py), 6.5, { style: strokes }), words, true));
    chart.append(group);
  }
}

// With skips minus without: a line a pair and level, the interval, and grey where differences don't matter.
function drawForest(paper, { setting, forest: { kind, level } }) {
  const found = setting.forest, alike = (one, other) => one.first === other.first && one.other === other.other;
  const rows = found[kind].filter((one) => level < 0 || one.level === level);
  const lines = rows.flatMap((one, index) => (level < 0 && !(index && alike(one, rows[index - 1])) ? [{ heading: one }, one] : [one]));
  const titleOf = (one) => networks[one.first].title + (one.other === null ? "" : ` minus ${networks[one.other].title}`);
  const chart = start(paper, `${kind === "changes" ? "Change of mean DSC" : "Mean DSC"}, ${found.skips ? "with skips minus without" : "networks compared"}, ${setting.dataset}`, []);
  const wide = WIDTH > 620, left = level < 0 ? 92 : wide ? 260 : 130, right = wide ? 250 : 62, step = 22, top = 8;
  HEIGHT = top + lines.length * step + 46;
  chart.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const zone = rows.length && rows[0].zone !== null ? rows[0].zone : 0;
  const values = rows.flatMap((one) => [one.estimate, one.low, one.high]).filter((value) => value !== null);
  const low = Math.min(0, -zone, ...values), high = Math.max(0, zone, ...values), room = (high - low) * 0.05 || 0.05;
  const x = scale(low - room, high + room, left, WIDTH - right), bottom = top + lines.length * step;
  if (zone) chart.append(svg("rect", { class: "zone", x: x(-zone), y: top, width: x(zone) - x(-zone), height: bottom - top }));
  for (const at of ticks(low - room, high + room).filter((_, index, all) => wide || all.length < 5 || index % 2 === all.indexOf(0) % 2)) {
    chart.append(svg("line", { class: at === 0 ? "axis" : "grid", x1: x(at), x2: x(at), y1: top, y2: bottom }));
    chart.append(svg("text", { x: x(at), y: bottom + 16, "text-anchor": "middle" }, String(at).replace("-", "−")));
  }
  const ends = found.skips ? ["← skips hurt", "skips help →"] : rows.length && rows[0].other === null ? ["← loses", "gains →"] : ["← worse", "better →"];
  chart.append(svg("text", { x: left, y: bottom + 36 }, ends[0]), svg("text", { x: WIDTH - right, y: bottom + 36, "text-anchor": "end" }, ends[1]));
  lines.forEach((one, index) => {
    const y = top + (index + 0.5) * step;
    if (one.heading) { chart.append(svg("text", { class: "strong", x: 2, y: y + 4 }, fitted(titleOf(one.heading), WIDTH / 7))); return; }
    const name = level < 0 ? setting.levels[one.level] : titleOf(one);
    chart.append(svg("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, fitted(name, left / 6.4)));
    const verdict = found.words[one.verdict];
    const words = `${titleOf(one)}\n${setting.levels[one.level]}: ${range(one.estimate, one.low, one.high, true)}\n${verdict}${one.low === null ? "" : `\n${one.scope}`}`;
    const group = svg("g", { class: "row", style: `stroke:${paint(one.first)};fill:${paint(one.first)}` });
    if (one.low !== null) group.append(svg("line", { x1: x(one.low), x2: x(one.high), y1: y, y2: y, style: "stroke-width:2" }));
    group.append(telling(paper, marker("s", x(one.estimate), y, 4.5, {}), words, true));
    chart.append(group, svg("text", { x: WIDTH - right + 12, y: y + 4 }, wide ? `${range(one.estimate, one.low, one.high, true)}  ${verdict}` : format(one.estimate, true)));
  });
}

// One chart with its menus: settings that have it, by data set.
function chartOf(id, usable, draw, extras) {
  const part = document.getElementById(id);
  const settings = data.charts.settings.filter(usable);
  if (!part || !settings.length) { if (part) part.hidden = true; return; }
  const paper = part.querySelector(".paper"), controls = part.querySelector(".controls");
  const titles = settings.map((one) => [one.dataset, one.title].filter(Boolean).join(": "));
  const view = {}, more = html("span", { class: "controls" });
  const redraw = () => draw(paper, view);
  const choose = (index) => { view.setting = settings[index]; if (extras) more.replaceChildren(...extras(view, redraw, id)); };
  const [chooser, chosen] = menu(`${id}.in`, "compared in", titles, (index) => { choose(index); redraw(); });
  choose(chosen);
  controls.append(chooser, more, savers(paper));
  watch(redraw);
  let width = paper.clientWidth;
  window.addEventListener("resize", () => { if (paper.clientWidth !== width) { width = paper.clientWidth; redraw(); } });
}
function wholeAxis(view, redraw, id) {
  const [label, input] = tick(`${id}.whole`, "axis from 0 to 1", () => { view.whole = input.checked; redraw(); }, false);
  view.whole = input.checked;
  return label;
}
function metricMenu(view, redraw, id) {
  const all = data.charts.metrics;
  const [wrapper, chosen] = menu(`${id}.metric`, "metric", all.map((one) => one.title), (index) => { view.metric = all[index]; redraw(); });
  view.metric = all[chosen];
  return wrapper;
}
function forestMenus(view, redraw, id) {
  const found = view.setting.forest, kinds = ["changes", "differences"].filter((kind) => found[kind].length);
  const levels = [...new Set(kinds.flatMap((kind) => found[kind].map((one) => one.level)))].sort((a, b) => a - b);
  const usual = found[kinds[0]].length > 14 ? levels.indexOf(found.hardest) + 1 : 0;
  const titles = { changes: "change against the reference level", differences: "DSC at the level" };
  view.forest = {};
  const [kindMenu, kind] = menu(`${id}.of`, "of", kinds.map((name) => titles[name]), (index) => { view.forest.kind = kinds[index]; redraw(); });
  const [levelMenu, level] = menu(`${id}.level`, "levels", ["all levels", ...levels.map((at) => view.setting.levels[at])], (index) => { view.forest.level = index ? levels[index - 1] : -1; redraw(); }, usual);
  view.forest = { kind: kinds[kind], level: level ? levels[level - 1] : -1 };
  return [kindMenu, levelMenu];
}
chartOf("answer", (setting) => setting.forest !== null, drawForest, forestMenus);
chartOf("chart-levels", () => true, drawLevels, (...all) => [metricMenu(...all), wholeAxis(...all)]);
chartOf("chart-disparity", (setting) => setting.disparity !== null, drawDisparity, (...all) => [wholeAxis(...all)]);
chartOf("chart-tradeoff", (setting) => setting.tradeoff !== null, drawTradeoff);

// Networks by labels: a coloured table, for data sets of so many labels that a chart of each would be too much.
function labelMap(part) {
  const groups = new Map();
  for (const setting of data.charts.settings) {
    const name = [setting.dataset, setting.training].filter(Boolean).join(": ");
    if (setting.label !== null) groups.set(name, [...(groups.get(name) || []), setting]);
  }
  const maps = [...groups].filter(([, settings]) => settings.length > 2);
  if (!maps.length) { part.hidden = true; return; }
  const view = {}, levels = html("span", { class: "controls" }), table = part.querySelector("table");
  const redraw = () => {
    const first = view.settings[0].means[view.metric.name], columns = first.filter((one) => shown(one.network)).map((one) => one.network);
    const at = (setting, network) => setting.means[view.metric.name].find((one) => one.network === network).mean[view.level];
    const values = view.settings.flatMap((setting) => columns.map((network) => at(setting, network))).filter((value) => value !== null);
    const low = Math.min(...values), high = Math.max(...values);
    const cell = (value) => {
      const share = value === null ? 0 : (value - low) / (high - low || 1), good = view.metric.lower ? 1 - share : share;
      return html("td", { style: `background:color-mix(in srgb, var(--accent) ${Math.round(55 * good)}%, var(--page))` }, format(value));
    };
    table.tHead.replaceChildren(html("tr", {}, html("th", { class: "word" }, "label"), ...columns.map((network) => html("th", { scope: "col" }, networks[network].title))));
    table.tBodies[0].replaceChildren(...view.settings.map((setting) => html("tr", {}, html("th", { scope: "row", class: "word" }, setting.label), ...columns.map((network) => cell(at(setting, network))))));
  };
  const choose = (index) => {
    view.settings = maps[index][1];
    const names = view.settings[0].levels;
    const [levelMenu, level] = menu("labels.level", "level", names, (at) => { view.level = at; redraw(); });
    view.level = level;
    levels.replaceChildren(levelMenu);
  };
  const [chooser, chosen] = menu("labels.in", "compared in", maps.map(([name]) => name), (index) => { choose(index); redraw(); });
  choose(chosen);
  part.querySelector(".controls").append(chooser, levels, metricMenu(view, () => redraw(), "labels"), tableSaver(table));
  watch(redraw);
}
