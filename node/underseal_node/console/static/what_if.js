// Sliders beside the amounts, and the result as soon as something was changed. Without this script
// the button calculates.
const form = document.getElementById("what-if");
const DIGITS = 6;
const PAUSE_MILLISECONDS = 300;

function percentOf(field) {
  const old = Number(field.dataset.old);
  return old === 0 ? 100 : (Number(field.value) / old) * 100;
}

// What is exactly as it was keeps its text: nothing is rounded by being shown.
function showPercent(slider) {
  const field = document.getElementById(slider.dataset.for);
  const change = Math.round(percentOf(field) - 100);
  slider.nextElementSibling.textContent = `${change > 0 ? "+" : change < 0 ? "−" : "±"}${Math.abs(change)} %`;
}

// Lines that are otherwise than now stand out.
function mark(row) {
  const [amount, source] = ["amount", "source"].map((name) => row.querySelector(`[name=${name}]`));
  row.classList.toggle("changed", amount.value !== amount.dataset.old || source.value !== "");
}

function amountAt(slider) {
  const field = document.getElementById(slider.dataset.for);
  if (slider.value === "100") return field.dataset.old;
  const amount = (Number(field.dataset.old) * Number(slider.value)) / 100;
  return String(Number(amount.toPrecision(DIGITS)));
}

for (const slider of form ? form.querySelectorAll("input[type=range]") : []) {
  const field = document.getElementById(slider.dataset.for);
  slider.closest(".slider").hidden = false;
  slider.value = String(percentOf(field));
  showPercent(slider);
  slider.addEventListener("input", () => {
    field.value = amountAt(slider);
    showPercent(slider);
  });
  field.addEventListener("input", () => {
    slider.value = String(percentOf(field));
    showPercent(slider);
  });
}

let asked = 0;

// The button asks for the same, as a whole page. What is tried stays with the session: amounts are
// secret, and addresses are written down.
async function calculate() {
  const mine = ++asked;
  const shown = document.getElementById("result");
  const fields = new URLSearchParams(new FormData(form));
  fields.set("part", "result");
  shown.classList.add("waiting");
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (mine !== asked) return;
    if ([401, 403].includes(answer.status)) {
      form.submit(); // signed out: the page says it, and keeps what was typed
      return;
    }
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    shown.replaceChildren(...part.body.childNodes);
  } finally {
    if (mine === asked) shown.classList.remove("waiting");
  }
}

// Keys move a slider step by step; what is meant is where it stops.
let waiting = 0;

if (form) {
  form.addEventListener("input", (event) => mark(event.target.closest("tr")));
  form.addEventListener("change", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(calculate, PAUSE_MILLISECONDS);
  });
}
