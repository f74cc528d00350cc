// Imports: says at once that a file is too large, sends a dropped one, and shows other columns.
"use strict";

for (const form of document.querySelectorAll("form[data-drop]")) {
  const message = form.querySelector("[data-drop-message]");
  const files = () => [...form.querySelectorAll("input[type=file]")].flatMap((one) => [...one.files]);
  const isTooLarge = () => files().some((one) => one.size > Number(form.dataset.maxBytes));
  const show = () => {
    message.hidden = !isTooLarge();
    message.textContent = isTooLarge() ? form.dataset.tooLarge : "";
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    show();
    if (isTooLarge()) event.preventDefault();
    else form.querySelector("button").textContent = form.dataset.sending;
  });
  form.addEventListener("drop", () => {
    const isAlone = form.querySelectorAll("input[type=file]").length === 1;
    if (isAlone && files().length > 0 && !isTooLarge()) form.requestSubmit();
  });
}

// Another kind of rows, or another row of headings, has other columns to choose.
for (const field of document.querySelectorAll("form[data-mapping] [data-resend]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
