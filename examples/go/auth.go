// auth.go
package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// User is a guest or a member.
type User struct {
	ID      string `json:"sub"`
	Email   string `json:"email"`
	IsGuest bool   `json:"https://authgear.com/claims/user/is_anonymous"`
}

// Session is what the app keeps for one browser.
type Session struct {
	User    *User
	Token   *oauth2.Token
	Pending *Pending
	Notice  string
}

// Pending is a sign-up or sign-in on the server's pages.
type Pending struct{ State, Verifier, Page string }

func init() { gob.Register(Session{}) }

// Auth does guests, sign-up and sign-in.
type Auth struct {
	Origin, Issuer string
	provider       *oidc.Provider
	config         oauth2.Config
	exchanges      sync.Map
}

// NewAuth reads what the server says about itself.
func NewAuth(ctx context.Context, origin, issuer, clientID string) (*Auth, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // without a secret
	config := oauth2.Config{ClientID: clientID, Endpoint: endpoint, RedirectURL: origin + "/after-login",
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "https://authgear.com/scopes/full-access"}}
	return &Auth{Origin: origin, Issuer: issuer, provider: provider, config: config}, nil
}

// CurrentUser is the guest or member of this browser, or nil. It asks the server when the access token is due.
func (a *Auth) CurrentUser(ctx context.Context, session *Session) (*User, error) {
	if session.Token == nil || session.Token.Valid() {
		return session.User, nil
	}
	return a.refresh(ctx, session)
}

// refresh asks the server at once. It returns nil if the session has ended.
func (a *Auth) refresh(ctx context.Context, session *Session) (*User, error) {
	if session.Token == nil {
		return nil, nil
	}
	expired := &oauth2.Token{RefreshToken: session.Token.RefreshToken, Expiry: time.Unix(1, 0)}
	token, err := a.config.TokenSource(ctx, expired).Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		session.User, session.Token = nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, err // the server can't be reached: the session goes on
	}
	return session.User, a.keep(ctx, session, token)
}

// EnsureUser is for the first action that needs a user: the user that is there, or a new guest.
func (a *Auth) EnsureUser(ctx context.Context, session *Session, address string) (*User, error) {
	if user, err := a.CurrentUser(ctx, session); user != nil || err != nil {
		return user, err
	}
	var token struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
	}
	body := map[string]string{"client_id": a.config.ClientID, "session_type": "refresh_token"}
	if err := a.call(ctx, "/api/anonymous_user/signup", body, address, &token); err != nil {
		return nil, err
	}
	expiry := time.Now().Add(time.Duration(token.ExpiresIn) * time.Second)
	err := a.keep(ctx, session, &oauth2.Token{AccessToken: token.AccessToken, RefreshToken: token.RefreshToken, Expiry: expiry})
	return session.User, err
}

// SaveProgress is where the guest signs up, and stays the same user. It is empty if the guest's session has ended.
func (a *Auth) SaveProgress(ctx context.Context, session *Session, page string) (string, error) {
	if user, err := a.refresh(ctx, session); user == nil || err != nil {
		return "", err
	}
	var answer struct {
		Code string `json:"promotion_code"`
	}
	body := map[string]string{"session_type": "refresh_token", "refresh_token": session.Token.RefreshToken}
	if err := a.call(ctx, "/api/anonymous_user/promotion_code", body, "", &answer); err != nil {
		return "", err
	}
	return a.start(session, page, hint("anonymous", "promotion_code", answer.Code)), nil
}

// SignIn is where a member signs in.
func (a *Auth) SignIn(session *Session, page string) string {
	return a.start(session, page, oauth2.SetAuthURLParam("x_page", "login"))
}

func (a *Auth) start(session *Session, page string, parameter oauth2.AuthCodeOption) string {
	pending := Pending{State: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Page: a.Local(page)}
	session.Pending = &pending
	return a.config.AuthCodeURL(pending.State, oauth2.S256ChallengeOption(pending.Verifier), parameter,
		oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("x_sso_enabled", "false"))
}

// FinishSignIn finishes SaveProgress and SignIn. It returns the page to go back to, and leaves a notice for it in the
// session. It is empty if there is nothing to finish: after a reload or the back button, nothing changes.
func (a *Auth) FinishSignIn(ctx context.Context, session *Session, query url.Values) (string, error) {
	pending, before := session.Pending, session.User
	if pending == nil {
		return "", nil
	}
	session.Pending = nil
	session.Notice = "failed" // the user of this browser is unchanged
	if query.Get("state") != pending.State {
		return pending.Page, errors.New("the answer belongs to another request")
	}
	if code := query.Get("error"); code == "access_denied" {
		session.Notice = "cancelled"
		return pending.Page, nil
	} else if code != "" {
		return pending.Page, fmt.Errorf("%s: %s", code, query.Get("error_description"))
	}
	token, err := a.exchangeOnce(ctx, query.Get("code"), pending)
	if err != nil {
		return pending.Page, err
	}
	if err := a.keep(ctx, session, token); err != nil {
		return pending.Page, err
	}
	session.Notice = compare(before, session.User)
	return pending.Page, nil
}

// exchangeOnce gets the tokens. The same request may arrive twice at the same time: a code works once, so both get the same.
func (a *Auth) exchangeOnce(ctx context.Context, code string, pending *Pending) (*oauth2.Token, error) {
	exchange := sync.OnceValues(func() (*oauth2.Token, error) {
		return a.config.Exchange(context.WithoutCancel(ctx), code, oauth2.VerifierOption(pending.Verifier))
	})
	first, isSecond := a.exchanges.LoadOrStore(pending.State, exchange)
	if !isSecond {
		time.AfterFunc(time.Minute, func() { a.exchanges.Delete(pending.State) })
	}
	return first.(func() (*oauth2.Token, error))()
}

// compare says what happened, and does what is to be done with a guest's cart.
func compare(before, now *User) string {
	switch {
	case before == nil || !before.IsGuest:
		return "signed-in"
	case before.ID == now.ID:
		return "promoted"
	default:
		carts.Move(before.ID, now.ID) // the guest has signed in to an existing account
		return "merged"
	}
}

// OpenAccount is where the user finds the account page, signed in. It is empty if the session has ended.
func (a *Auth) OpenAccount(ctx context.Context, session *Session) (string, error) {
	if user, err := a.refresh(ctx, session); user == nil || err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"app_session_token"`
	}
	body := map[string]string{"refresh_token": session.Token.RefreshToken}
	if err := a.call(ctx, "/oauth2/app_session_token", body, "", &answer); err != nil {
		return "", err
	}
	config := a.config
	config.RedirectURL = a.Issuer + "/settings"
	return config.AuthCodeURL("", hint("app_session_token", "app_session_token", answer.Token),
		oauth2.SetAuthURLParam("response_type", "none"), oauth2.SetAuthURLParam("prompt", "none"),
		oauth2.SetAuthURLParam("x_sso_enabled", "false")), nil
}

// SignOut signs out, here and at the server. A guest cannot be recovered afterwards.
func (a *Auth) SignOut(ctx context.Context, session *Session) error {
	token := session.Token
	*session = Session{}
	if token == nil {
		return nil
	}
	form := url.Values{"token": {token.RefreshToken}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Issuer+"/oauth2/revoke", bytes.NewBufferString(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Local is a page of this app as a whole URL: a redirect must not lead to another site.
func (a *Auth) Local(page string) string {
	base, _ := url.Parse(a.Origin)
	target, err := base.Parse(page)
	if err != nil || target.Scheme != base.Scheme || target.Host != base.Host || target.User != nil {
		return a.Origin + "/"
	}
	return target.String()
}

func (a *Auth) keep(ctx context.Context, session *Session, token *oauth2.Token) error {
	info, err := a.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	user := User{IsGuest: true}
	if err := info.Claims(&user); err != nil {
		return err
	}
	session.User, session.Token = &user, token
	return nil
}

// call sends JSON. The server counts new guests by address: it must be the visitor's, not this app's.
func (a *Auth) call(ctx context.Context, path string, body map[string]string, address string, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Issuer+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if address != "" {
		request.Header.Set("X-Forwarded-For", address)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return errors.New(answer.Error.Message)
	}
	return json.Unmarshal(answer.Result, result)
}

func hint(kind, name, value string) oauth2.AuthCodeOption {
	query := url.Values{"type": {kind}, name: {value}}
	return oauth2.SetAuthURLParam("login_hint", "https://authgear.com/login_hint?"+query.Encode())
}
