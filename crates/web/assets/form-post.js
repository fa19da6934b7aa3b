// Carries an answer back to an app that asked for `response_mode=form_post`.

document.getElementById("answer").submit();
