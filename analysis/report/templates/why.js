// Pictures of why networks fail: one at a time, level by level.
function steps(part) {
  const slider = part?.querySelector("#whylevel");
  if (!slider) return;
  const figures = [...part.querySelectorAll(".steps > figure")], said = part.querySelector("output");
  const draw = () => {
    figures.forEach((figure, index) => { figure.hidden = index !== Number(slider.value); });
    said.textContent = `${Number(slider.value) + 1} of ${figures.length}`;
    slider.setAttribute("aria-valuetext", figures[slider.value].querySelector("strong").textContent);
  };
  slider.addEventListener("input", () => { remember("why", slider.value, 0); draw(); });
  slider.value = String(remembered("why", figures.length, 0));
  draw();
}
steps(document.getElementById("why"));
