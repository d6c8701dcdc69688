// The level slider: one case through the levels, all networks side by side.
const REFERENCE = "#F0E442";
function levelSlider(part) {
  const cases = data.sweep.cases;
  if (!cases.length) { part.hidden = true; return; }
  const controls = part.querySelector(".controls"), tiles = part.querySelector(".tiles");
  const slider = part.querySelector("input[type=range]"), output = part.querySelector("output");
  const several = new Set(cases.map((one) => one.dataset)).size > 1;
  const title = (one) => `${several ? `${one.dataset}: ` : ""}${one.case}${one.why ? ` (${one.why})` : ""}`;
  const showReference = html("input", { type: "checkbox", checked: "" });
  const showPrediction = html("input", { type: "checkbox", checked: "" });
  let current = cases[0], training = 0, trainingMenu = null;

  function tile(image, paths, caption, colour) {
    const [width, height] = current.size;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": caption },
      svg("image", { href: image, width, height, preserveAspectRatio: "none" }),
      ...paths.filter(([path]) => path).map(([path, stroke]) => svg("path", { d: path, stroke })));
    const words = html("figcaption", {}, caption);
    if (colour) words.style.borderTop = `3px solid ${colour}`;
    return html("figure", {}, picture, words);
  }

  function draw() {
    const level = Number(slider.value), image = current.images[level];
    const reference = [showReference.checked ? current.reference : "", REFERENCE];
    const slice = current.slice === null ? "" : `, slice ${current.slice}`;
    const found = [tile(image, [reference], `image${slice}, reference in yellow`, null)];
    for (const row of current.trainings[training].tiles.filter((one) => shown(one.network))) {
      const look = networks[row.network], one = row.levels[level];
      const path = one && showPrediction.checked ? one[0] : "";
      found.push(tile(image, [reference, [path, look.colour]], `${look.title}: ${one ? `DSC ${format(one[1])}` : "no prediction"}`, look.colour));
    }
    tiles.replaceChildren(...found);
    output.textContent = current.levels[level];
    slider.setAttribute("aria-valuetext", current.levels[level]);
  }

  function choose(index) {
    current = cases[index];
    training = 0;
    slider.max = String(current.levels.length - 1);
    if (trainingMenu) trainingMenu.remove();
    trainingMenu = menu("networks", current.trainings.map((one) => one.title || "trained on all levels of texture"), (number) => { training = number; draw(); });
    controls.append(trainingMenu);
    draw();
  }

  controls.append(menu("case", cases.map(title), choose));
  controls.append(html("label", { class: "tick" }, showReference, " reference"), html("label", { class: "tick" }, showPrediction, " prediction"));
  for (const input of [slider, showReference, showPrediction]) input.addEventListener("input", draw);
  slider.max = String(current.levels.length - 1);
  choose(0);
  watch(draw);
}
levelSlider(document.getElementById("sweep"));
