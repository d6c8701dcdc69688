// Charts: metric over levels, DSC against texture disparity, performance against robustness.
const DASHES = { "-": null, "--": "7 4", ":": "2 3", "-.": "7 3 2 3" };
const HEIGHT = 400, LEFT = 62, RIGHT = 16, TOP = 14;
// Of the chart being drawn, in its own pixels: as wide as its paper, so that words keep their size; titles on the x axis
// that have no room side by side are tilted, and get more room below.
let WIDTH = 760, BOTTOM = 52, tilted = false;

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
  WIDTH = Math.max(300, Math.min(1000, paper.clientWidth - 18));
  tilted = Math.max(0, ...titles.map((title) => title.length)) * 6.6 > (WIDTH - LEFT - RIGHT) / (titles.length || 1);
  BOTTOM = tilted ? 88 : 52;
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": name });
  paper.replaceChildren(chart);
  return chart;
}

function drawLevels(paper, setting, metric) {
  const chart = start(paper, `${metric.title} over levels, ${setting.dataset}, ${setting.title}`, setting.levels);
  const series = setting.means[metric.name].filter((one) => shown(one.network));
  const all = setting.means[metric.name].flatMap((one) => [...one.mean, ...one.low, ...one.high]).filter((value) => value !== null);
  const top = metric.bounded ? 1 : Math.max(...all, 0) * 1.05 || (metric.signed ? 0.05 : 1);
  const floor = metric.signed ? Math.min(...all, 0) * 1.05 : 0;
  const n = setting.levels.length;
  const x = scale(-0.5, n - 0.5, LEFT, WIDTH - RIGHT), y = scale(floor, top, HEIGHT - BOTTOM, TOP);
  const unit = metric.signed ? "0 is best" : metric.bounded ? "higher is better" : `${setting.unit}, lower is better`;
  frame(chart, y, ticks(floor, top), `mean ${metric.title} (${unit})`, setting.axis);
  xAxis(chart, x, setting.levels.map((_, index) => index), setting.levels);
  if (setting.reference !== null) {
    const at = x(setting.reference);
    chart.append(svg("line", { class: "axis", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM, "stroke-dasharray": "2 3" }));
  }
  series.forEach((one, place) => {
    const look = networks[one.network], shift = (place - (series.length - 1) / 2) * Math.min(9, 300 / n / series.length);
    const known = one.mean.map((value, level) => ({ value, level })).filter((point) => point.value !== null);
    const points = known.map((point) => `${x(point.level) + shift} ${y(point.value)}`);
    const group = svg("g", { "data-series": one.network, stroke: look.colour, fill: "none", "stroke-width": 2 });
    if (points.length && setting.joined) group.append(svg("path", { d: `M${points.join("L")}`, "stroke-dasharray": DASHES[look.dashes] }));
    for (const { value, level } of known) {
      const low = one.low[level], high = one.high[level], at = x(level) + shift;
      if (low !== null) group.append(svg("line", { x1: at, x2: at, y1: y(low), y2: y(high), "stroke-width": 1.2 }));
      const range = low === null ? "no interval" : `95 % interval ${format(low)} to ${format(high)}`;
      const words = `${look.title}${one.degenerate ? " (not ranked)" : ""}\n${setting.levels[level]}: ${format(value)}\n${range}\nn = ${one.n[level][0]} cases in ${one.n[level][1]} groups`;
      group.append(telling(paper, marker(look.marker, at, y(value), 4.2, { fill: one.degenerate ? "#fff" : look.colour }), words, true));
    }
    chart.append(group);
  });
}

function drawDisparity(paper, setting) {
  const chart = start(paper, `DSC against texture disparity, ${setting.dataset}, ${setting.title}`, []);
  const all = setting.disparity.series.flatMap((one) => one.points.map((point) => point[2]));
  const low = Math.min(...all), high = Math.max(...all), room = (high - low) * 0.03;
  const x = scale(low - room, high + room, LEFT, WIDTH - RIGHT), y = scale(0, 1, HEIGHT - BOTTOM, TOP);
  frame(chart, y, ticks(0, 1), "DSC (higher is better)", "texture disparity (TD): further right is easier");
  const places = ticks(low, high);
  xAxis(chart, x, places, places.map(String));
  for (const one of setting.disparity.series.filter((series) => shown(series.network))) {
    const look = networks[one.network];
    const group = svg("g", { "data-series": one.network });
    for (const [number, level, disparity, value] of one.points) {
      const words = `${look.title}\n${setting.disparity.cases[number]}\n${setting.levels[level]}: DSC ${format(value)}, TD ${format(disparity)}`;
      group.append(telling(paper, marker(look.marker, x(disparity), y(value), 2.4, { fill: look.colour, "fill-opacity": 0.55 }), words, false));
    }
    if (one.slope !== null) {
      const end = (at) => y(Math.max(0, Math.min(1, one.intercept + one.slope * at)));
      const line = svg("line", { x1: x(low), y1: end(low), x2: x(high), y2: end(high), stroke: look.colour, "stroke-width": 2.4, "stroke-dasharray": DASHES[look.dashes] });
      group.append(telling(paper, line, `${look.title}\nTheil-Sen slope ${format(one.slope)} per unit of TD`, true));
    }
    chart.append(group);
  }
}

function drawTradeoff(paper, setting) {
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
    const look = networks[point.network];
    const [px, xLow, xHigh] = point.x, [py, yLow, yHigh] = point.y;
    const group = svg("g", { "data-series": point.network, stroke: look.colour, "stroke-width": 1.3 });
    if (xLow !== null) group.append(svg("line", { x1: x(xLow), x2: x(xHigh), y1: y(py), y2: y(py) }));
    if (yLow !== null) group.append(svg("line", { x1: x(px), x2: x(px), y1: y(yLow), y2: y(yHigh) }));
    const status = point.degenerate ? "not ranked" : point.front ? "on the Pareto front" : "another network is better in both";
    const words = `${look.title}\nmean DSC ${format(px)}, CV ${format(py)}\n${status}`;
    const strokes = { fill: point.degenerate ? "#fff" : look.colour, stroke: point.front ? "#000" : look.colour, "stroke-width": 2 };
    group.append(telling(paper, marker(look.marker, x(px), y(py), 6.5, strokes), words, true));
    chart.append(group);
  }
}

// One chart with its menus: settings that have it, by data set.
function chartOf(id, usable, draw, withMetric) {
  const part = document.getElementById(id);
  const settings = data.charts.settings.filter(usable);
  if (!part || !settings.length) { if (part) part.hidden = true; return; }
  const paper = part.querySelector(".paper"), controls = part.querySelector(".controls");
  const titles = settings.map((one) => [one.dataset, one.title].filter(Boolean).join(": "));
  let setting = settings[0], metric = data.charts.metrics[0];
  const redraw = () => draw(paper, setting, metric);
  controls.append(menu("compared in", titles, (index) => { setting = settings[index]; redraw(); }));
  if (withMetric) {
    controls.append(menu("metric", data.charts.metrics.map((one) => one.title), (index) => { metric = data.charts.metrics[index]; redraw(); }));
  }
  watch(redraw);
  let width = paper.clientWidth;
  window.addEventListener("resize", () => { if (paper.clientWidth !== width) { width = paper.clientWidth; redraw(); } });
}
chartOf("chart-levels", () => true, drawLevels, true);
chartOf("chart-disparity", (setting) => setting.disparity !== null, drawDisparity, false);
chartOf("chart-tradeoff", (setting) => setting.tradeoff !== null, drawTradeoff, false);
