// The little that pages cannot do by themselves.
"use strict";

// Asks before what cannot be taken back.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Filters of lists work at once; without a script their button does it.
for (const select of document.querySelectorAll("form.search select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// A page of work that goes on loads itself again, though never away from under somebody's hands.
const isTouched = (field) => {
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
  return field.value !== field.defaultValue;
};
const isBusy = () => {
  const fields = [...document.querySelectorAll("main input, main select, main textarea")];
  return fields.some((one) => one === document.activeElement || isTouched(one));
};
const waiting = document.querySelector("[data-reload-seconds]");
if (waiting) {
  window.setInterval(() => isBusy() || location.reload(), Number(waiting.dataset.reloadSeconds) * 1000);
}

// What can be copied has a button for it.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    from.select();
    await navigator.clipboard.writeText(from.value);
    button.textContent = button.dataset.done;
  });
}

// A file can be dropped on the whole of its field.
for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  const mark = (isOver) => zone.classList.toggle("over", isOver);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  zone.addEventListener("dragleave", () => mark(false));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// What was typed before the session had ended goes back into its form; what has no place stays to be read.
const left = document.querySelector("[data-left]");
if (left) {
  const sent = [...left.querySelectorAll("[data-name]")].map((one) => [one.dataset.name, one.textContent, one]);
  const isSame = (field, name, value) => field.name === name && (field.type !== "hidden" || field.value === value);
  const hits = (form) => sent.filter(([name, value]) => [...form.elements].some((one) => isSame(one, name, value))).length;
  const isThere = (form) => new URL(form.action).pathname === left.dataset.left;
  const forms = [...document.querySelectorAll("main form[method=post]")].filter(isThere);
  const form = forms.sort((one, other) => hits(other) - hits(one))[0];
  for (const field of form ? form.elements : []) {
    if (["checkbox", "radio"].includes(field.type)) field.checked = false;
  }
  for (const [name, value, shown] of form ? sent : []) {
    const fields = [...form.elements].filter((one) => one.name === name && one.type !== "file");
    const isChosen = (one) => ["checkbox", "radio"].includes(one.type) ? one.value === value : !one.dataset.isBack;
    const field = fields.find(isChosen);
    if (!field) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = true;
    else if (!["hidden", "submit"].includes(field.type)) field.value = value;
    field.dataset.isBack = "1";
    for (let around = field.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    shown.previousElementSibling.remove();
    shown.remove();
  }
  if (!left.querySelector("[data-name]")) left.querySelector("details").remove();
}
