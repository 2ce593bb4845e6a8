// Times are shown in the reader's zone: the browser knows it, the server keeps it (users.time_zone).
for (const field of document.querySelectorAll('input[name="time_zone"]')) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
