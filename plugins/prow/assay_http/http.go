// Package assay_http makes requests through the host, part of the template: every answer of a service becomes a value or the
// right error. The manifest requests the hosts, plugins.toml grants them. Redirects are answers and are not followed.
package assay_http

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	http "wit_component/assay_plugin_http"
	"wit_component/assay_plugin_types"
)

const (
	// As much of what a service says is shown.
	shown = 300
	// The time of one request, so that a slow service leaves time to say so.
	timeoutMs = 10_000
)

// Failed is an error of a call, as Go has errors.
type Failed struct{ Cause assay_plugin_types.Error }

func (failed Failed) Error() string { return fmt.Sprintf("%+v", failed.Cause) }

// Request begins a request. The body, if there is one, is sent as JSON; the secret is a name, whose value the host puts in.
func Request(method, url string, body any, secret string) http.Request {
	request := http.Request{Method: method, Url: url, Body: http.MakeBodyNone(), TimeoutMs: witTypes.Some(uint32(timeoutMs))}
	request.Auth = witTypes.None[string]()
	if secret != "" {
		request.Auth = witTypes.Some(secret)
	}
	if body != nil {
		bytes, _ := json.Marshal(body)
		request.Body = http.MakeBodyBytes(bytes)
		request.Headers = append(request.Headers, witTypes.Tuple2[string, string]{F0: "content-type", F1: "application/json"})
	}
	return request
}

// Send gives the answer, whatever its status.
func Send(request http.Request) (http.Response, error) {
	answer := http.Send(request)
	if answer.IsErr() {
		return http.Response{}, failure(request, answer.Err())
	}
	return answer.Ok(), nil
}

// OK gives a successful answer. A job that is missing is lost; anything else that is missing can never work.
func OK(request http.Request, isJob bool) (http.Response, error) {
	response, err := Send(request)
	if err != nil {
		return response, err
	}
	return response, Check(request, response.Status, response.Headers, response.Body, isJob)
}

// JSON reads the JSON of a successful answer.
func JSON(request http.Request, into any, isJob bool) error {
	response, err := OK(request, isJob)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(response.Body, into); err != nil {
		what := fmt.Sprintf("%s answered something that is not JSON: %s", Name(request), Shown(response.Body))
		return Failed{assay_plugin_types.MakeErrorLost(what)}
	}
	return nil
}

// Download streams a successful answer into an artifact. It never enters the memory of this plugin.
func Download(request http.Request, artifact, mediaType string) error {
	saved := http.Download(request, artifact, mediaType)
	if saved.IsErr() {
		return failure(request, saved.Err())
	}
	return Check(request, saved.Ok().Status, saved.Ok().Headers, nil, true)
}

// Name is the request in messages, without its query.
func Name(request http.Request) string {
	address, _, _ := strings.Cut(request.Url, "?")
	return request.Method + " " + address
}

// Shown is the beginning of what came back, on one line.
func Shown(bytes []uint8) string {
	if len(bytes) > shown {
		bytes = bytes[:shown]
	}
	return strings.TrimSpace(strings.Map(func(one rune) rune {
		if one < ' ' || one == 0x7f {
			return ' '
		}
		return one
	}, strings.ToValidUTF8(string(bytes), "?")))
}

// Check gives the error of an answer that is none of success.
func Check(request http.Request, status uint16, headers []witTypes.Tuple2[string, string], body []uint8, isJob bool) error {
	header := func(name string) string {
		for _, header := range headers {
			if strings.EqualFold(header.F0, name) {
				return header.F1
			}
		}
		return ""
	}
	what := fmt.Sprintf("%s answered %d", Name(request), status)
	if says := Shown(body); says != "" {
		what += ": " + says
	}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == 408 || status == 425 || status == 429 || status >= 500:
		return Failed{assay.Retry(what, after(header("retry-after"), header("date")))}
	case status == 401 || status == 403:
		return Failed{assay_plugin_types.MakeErrorAuth("secret `" + request.Auth.SomeOr("none") + "`: " + what)}
	case isJob && (status == 404 || status == 410):
		return Failed{assay_plugin_types.MakeErrorLost(what)}
	case status >= 300 && status < 400:
		place, _, _ := strings.Cut(header("location"), "?")
		return Failed{assay_plugin_types.MakeErrorLost(what + " with a redirect to `" + Shown([]uint8(place)) + "`, which is not followed")}
	}
	return Failed{assay.Invalid(what)}
}

// The milliseconds of Retry-After, which may be a date by the service's own clock.
func after(text, date string) uint32 {
	if seconds, err := strconv.ParseUint(text, 10, 16); err == nil {
		return uint32(seconds) * 1000
	}
	then, err := time.Parse(time.RFC1123, text)
	now, other := time.Parse(time.RFC1123, date)
	if err != nil || other != nil || then.Before(now) {
		return 0
	}
	return uint32(min(then.Sub(now), 24*time.Hour) / time.Millisecond)
}

func failure(request http.Request, err http.Error) error {
	name := Name(request)
	switch err.Tag() {
	case http.Error_Denied:
		return Failed{assay.Invalid(name + " is denied: " + err.Denied())}
	case http.Error_TooLarge:
		return Failed{assay.Invalid("the answer to " + name + " is too large")}
	case http.Error_Tls:
		return Failed{assay.Invalid(name + " has no certificate that verifies: " + err.Tls())}
	case http.Error_Transport:
		return Failed{assay.Retry(name+" failed: "+err.Transport(), 0)}
	}
	return Failed{assay.Retry(name+" was not answered in time", 0)}
}

// Of is the error for the host.
func Of(err error) assay_plugin_types.Error {
	if failed, ok := err.(Failed); ok {
		return failed.Cause
	}
	return assay_plugin_types.MakeErrorInternal(err.Error())
}

// Message is the sentence of an error.
func Message(err error) string {
	cause := Of(err)
	switch cause.Tag() {
	case assay_plugin_types.Error_Invalid:
		return cause.Invalid()
	case assay_plugin_types.Error_Transient:
		return cause.Transient().Message
	case assay_plugin_types.Error_Auth:
		return cause.Auth()
	case assay_plugin_types.Error_Lost:
		return cause.Lost()
	}
	return cause.Internal()
}
