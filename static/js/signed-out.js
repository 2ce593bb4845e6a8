// Nobody is signed in here: what somebody had begun to write to another is not for who comes next.
for (const name of Object.keys(localStorage)) if (name.startsWith("talk ")) localStorage.removeItem(name);
