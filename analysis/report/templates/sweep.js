// Cases through the levels: all networks side by side, slice by slice, each of them large on a click.
const REFERENCE = "#F0E442";
const isDark = (colour) => [1, 3, 5].reduce((sum, at, place) => sum + parseInt(colour.slice(at, at + 2), 16) * [0.3, 0.59, 0.11][place], 0) < 110;
function levelSlider(part) {
  const cases = data.sweep.cases;
  if (!cases.length) { part.hidden = true; return; }
  const controls = part.querySelector(".controls"), tiles = part.querySelector(".tiles"), dialog = part.querySelector("dialog");
  const [level, slice] = ["level", "slice"].map((id) => part.querySelector(`#${id}`)), [levelWords, sliceWords] = part.querySelectorAll("output");
  const several = new Set(cases.map((one) => one.dataset)).size > 1;
  const looked = (one) => one.trainings.some((own) => own.tiles.some((tile) => tile.levels.some((at) => at && at.gates.length)));
  const title = (one) => {
    const why = [one.why, looked(one) ? "attention" : ""].filter(Boolean).join(", ");
    return `${several ? `${one.dataset}: ` : ""}${one.case}${why ? ` (${why})` : ""}`;
  };
  const more = html("span", { class: "controls" });
  let current, training = 0, label = -1, large = -1;

  const joined = (paths) => (label < 0 ? paths.join("") : paths[label]);
  function picture({ paths, words, missing, gate, image = current.images[slice.value][level.value] }) {
    const [width, height] = current.size, lines = paths.filter(([path]) => path);
    const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
      svg("image", { href: image, class: gate, width, height, preserveAspectRatio: "none" }),
      ...lines.map(([path, stroke]) => svg("path", { class: "halo", d: path, stroke: isDark(stroke) ? "#fff" : "#000" })),
      ...lines.map(([path, stroke]) => svg("path", { class: "outline", d: path, stroke })));
    const size = Math.min(width / 13, height / 7);
    if (missing) drawn.append(svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle", "font-size": size, "stroke-width": size / 6 }, missing));
    return drawn;
  }
  function all() {
    const reference = [showReference.checked ? joined(current.reference[slice.value]) : "", REFERENCE];
    const found = [{ paths: [reference], words: `${current.case}, ${current.levels[level.value]}: reference in yellow`, colour: "var(--line)" }];
    for (const row of current.trainings[training].tiles.filter((one) => shown(one.network))) {
      const look = networks[row.network], one = row.levels[level.value];
      const path = one && showPrediction.checked ? joined(one.paths[slice.value]) : "";
      const missing = !one ? "no prediction" : one.empty ? "empty prediction" : "";
      found.push({ paths: [reference, [path, look.colour]], missing, colour: paint(row.network), words: `${look.title}: ${one ? `DSC ${format(one.dsc[label + 1])}` : "no prediction"}` });
      for (const gate of one && showGates.checked ? one.gates : []) {
        const here = gate.slice === Number(slice.value);
        found.push({ paths: [reference], gate: "gate", image: here ? gate.image : null, missing: here ? "" : "no map of this slice", colour: paint(row.network), words: `${look.title}, ${gate.title}: ${gate.words}` });
      }
    }
    return found;
  }
  function figure(tile) {
    return [picture(tile), html("figcaption", { style: `border-color:${tile.colour}` }, tile.words)];
  }
  function draw() {
    const found = all(), name = current.levels[level.value], note = current.notes[level.value];
    tiles.replaceChildren(...found.map((tile, index) => {
      const [drawn, words] = figure(tile), opener = button("", `enlarge: ${tile.words}`, () => { large = index; draw(); dialog.showModal(); });
      opener.append(drawn);
      return html("figure", {}, opener, words);
    }));
    levelWords.replaceChildren(name, html("small", {}, note));
    level.setAttribute("aria-valuetext", [name, note].filter(Boolean).join(", "));
    sliceWords.textContent = current.slices[slice.value] === null ? "" : `${current.slices[slice.value]}`;
    slice.parentElement.hidden = current.slices.length < 2;
    part.querySelector(".single").textContent = current.slices.length === 1 && current.slices[0] !== null ? `slice ${current.slices[0]}` : "";
    if (large >= found.length) large = 0;
    if (large >= 0) {
      dialog.querySelector("figure").replaceChildren(...figure(found[large]));
      dialog.querySelector("h3").textContent = [current.case, name, note].filter(Boolean).join(" · ");
    }
  }
  function move(input, by) {
    input.value = String(Number(input.value) + by);
    input.dispatchEvent(new Event("input"));
  }
  function choose(index) {
    current = cases[index];
    slice.max = String(current.slices.length - 1);
    level.max = String(current.levels.length - 1);
    slice.value = String(remembered("slice", current.slices.length, current.first));
    level.value = String(remembered("level", current.levels.length, 0));
    const trainings = current.trainings.map((one) => one.title || "trained on all levels of texture");
    const [trainingMenu, chosen] = menu("training", "networks", trainings, (number) => { training = number; draw(); });
    const [labelMenu, place] = menu("label", "label", ["all labels", ...current.labels], (number) => { label = number - 1; draw(); });
    [training, label] = [chosen, current.labels.length > 1 ? place - 1 : -1];
    labelMenu.hidden = current.labels.length < 2;
    gatesTick.hidden = !looked(current);
    more.replaceChildren(labelMenu, trainingMenu);
  }

  const [referenceTick, showReference] = tick("reference", "reference", draw, true);
  const [predictionTick, showPrediction] = tick("prediction", "prediction", draw, true);
  const [gatesTick, showGates] = tick("gates", "attention", draw, true);
  const [caseMenu, chosen] = menu("case", "case", cases.map(title), (index) => { choose(index); draw(); });
  controls.append(caseMenu, more, referenceTick, predictionTick, gatesTick);
  choose(chosen);
  level.addEventListener("input", () => { remember("level", level.value, 0); draw(); });
  slice.addEventListener("input", () => { remember("slice", slice.value, current.first); draw(); });
  dialog.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!steps) return;
    event.preventDefault();
    const n = all().length;
    if (steps[1]) { large = (large + steps[1] + n) % n; draw(); } else move(level, steps[0]);
  });
  dialog.querySelector(".back").addEventListener("click", () => move(level, -1));
  dialog.querySelector(".on").addEventListener("click", () => move(level, 1));
  dialog.querySelector(".shut").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { const was = large; large = -1; tiles.querySelectorAll("button")[was]?.focus(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  watch(draw);
}
levelSlider(document.getElementById("sweep"));
