// The token was right: keep this session's key where only pages of this very address can read it, and forget the token.

localStorage.setItem("raftsmith-key", document.currentScript.dataset.key);
location.replace("/");
