// Levels by product: marks what was changed, sets a column at once, and asks before it gets lost.
"use strict";

const matrix = document.querySelector("form[data-matrix]");
const cells = [...matrix?.querySelectorAll("select[data-was]") ?? []];
let isSent = false;

function changed() {
  return cells.filter((cell) => cell.value !== cell.dataset.was);
}

function mark() {
  for (const cell of cells) {
    cell.closest("td").classList.toggle("changed", cell.value !== cell.dataset.was);
  }
  const note = matrix.querySelector("[data-changes]");
  note.hidden = changed().length === 0;
  note.querySelector("output").textContent = String(changed().length);
}

if (matrix) {
  for (const head of matrix.querySelectorAll("select[data-column]")) {
    head.hidden = false;
    head.addEventListener("change", () => {
      if (!head.value) return;
      for (const cell of cells) {
        if (cell.name.split(".")[2] === head.dataset.column) cell.value = head.value;
      }
      head.value = "";
      mark();
    });
  }
  matrix.addEventListener("change", mark);
  matrix.addEventListener("submit", () => { isSent = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!isSent && changed().length) event.preventDefault();
  });
  window.addEventListener("pageshow", () => { isSent = false; mark(); });
}
