// main.go
package main

import (
	"cmp"
	"context"
	_ "embed"
	"html/template"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
)

const year = 365 * 24 * time.Hour // as long as a guest may last: the cookie is all that a guest has

var notices = map[string]string{
	"promoted":  "Welcome! Everything you did as a guest is yours.",
	"merged":    "You are signed in. Your guest cart was added to your own.",
	"signed-in": "You are signed in.",
	"cancelled": "Nothing has changed.",
	"failed":    "That did not work. Try again.",
}

//go:embed shop.html
var html string

var page = template.Must(template.New("shop").Parse(html))

type app struct {
	auth     *Auth
	sessions *scs.SessionManager
}

func main() {
	origin := cmp.Or(os.Getenv("ORIGIN"), "http://localhost:3000")
	issuer := cmp.Or(os.Getenv("ISSUER"), "http://localhost:4100")
	auth, err := NewAuth(context.Background(), origin, issuer, cmp.Or(os.Getenv("CLIENT_ID"), "my-shop"))
	if err != nil {
		log.Fatal(err)
	}
	sessions := scs.New()
	sessions.Lifetime = year
	sessions.Cookie.Name = "shop"
	sessions.Cookie.SameSite = http.SameSiteLaxMode
	sessions.Cookie.Secure = strings.HasPrefix(origin, "https:")

	app := app{auth, sessions}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", app.shop)
	mux.HandleFunc("POST /cart", app.do(app.addToCart))
	mux.HandleFunc("POST /save-progress", app.do(app.saveProgress))
	mux.HandleFunc("POST /sign-in", app.do(app.signIn))
	mux.HandleFunc("POST /account", app.do(app.openAccount))
	mux.HandleFunc("POST /sign-out", app.do(app.signOut))
	mux.HandleFunc("GET /after-login", app.afterLogin)

	location, _ := url.Parse(origin)
	log.Println(origin)
	// Other sites can't send the forms.
	handler := http.NewCrossOriginProtection().Handler(mux)
	log.Fatal(http.ListenAndServe("localhost:"+cmp.Or(location.Port(), "3000"), sessions.LoadAndSave(handler)))
}

func (a *app) read(r *http.Request) Session {
	session, _ := a.sessions.Get(r.Context(), "auth").(Session)
	return session
}

func (a *app) write(r *http.Request, session Session) {
	a.sessions.Put(r.Context(), "auth", session)
}

func fail(w http.ResponseWriter, err error) {
	log.Println(err)
	http.Error(w, "That did not work. Try again.", http.StatusInternalServerError)
}

func (a *app) shop(w http.ResponseWriter, r *http.Request) {
	session := a.read(r)
	user, err := a.auth.CurrentUser(r.Context(), &session)
	if err != nil {
		fail(w, err)
		return
	}
	shown := map[string]any{"User": user, "Notice": notices[session.Notice], "Page": r.URL.RequestURI()}
	if user != nil {
		shown["Cart"], shown["IsGuest"], shown["IsMember"] = carts.Read(user.ID), user.IsGuest, !user.IsGuest
	}
	session.Notice = "" // shown once
	if a.sessions.Exists(r.Context(), "auth") {
		a.write(r, session)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := page.Execute(w, shown); err != nil {
		log.Println(err)
	}
}

// An action changes the session and says where to go. Without a page of the server, the session has ended.
type action func(r *http.Request, session *Session) (string, error)

func (a *app) do(act action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session := a.read(r)
		target, err := act(r, &session)
		if err != nil {
			fail(w, err)
			return
		}
		a.write(r, session)
		http.Redirect(w, r, cmp.Or(target, "/"), http.StatusSeeOther)
	}
}

func (a *app) addToCart(r *http.Request, session *Session) (string, error) {
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	user, err := a.auth.EnsureUser(r.Context(), session, address)
	if err != nil {
		return "", err
	}
	carts.Add(user.ID, "Lamp")
	return a.auth.Local(r.FormValue("page")), nil
}

func (a *app) saveProgress(r *http.Request, session *Session) (string, error) {
	return a.auth.SaveProgress(r.Context(), session, r.FormValue("page"))
}

func (a *app) signIn(r *http.Request, session *Session) (string, error) {
	return a.auth.SignIn(session, r.FormValue("page")), nil
}

func (a *app) openAccount(r *http.Request, session *Session) (string, error) {
	return a.auth.OpenAccount(r.Context(), session)
}

func (a *app) signOut(r *http.Request, session *Session) (string, error) {
	return a.auth.Local(r.FormValue("page")), a.auth.SignOut(r.Context(), session)
}

func (a *app) afterLogin(w http.ResponseWriter, r *http.Request) {
	session := a.read(r)
	target, err := a.auth.FinishSignIn(r.Context(), &session, r.URL.Query())
	if err != nil {
		log.Println("sign-in failed:", err)
	}
	if target == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	// A new session ID, so that one that was planted in this browser before is of no use.
	if err := a.sessions.RenewToken(r.Context()); err != nil {
		fail(w, err)
		return
	}
	a.write(r, session)
	http.Redirect(w, r, target, http.StatusSeeOther)
}
