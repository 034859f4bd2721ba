// Package assay_http makes requests through the host, part of the template: every response of a service becomes a value or the
// right error. The manifest requests the hosts, plugins.toml grants them. Redirects are responses and are not followed.
package assay_http

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	http "wit_component/assay_plugin_http"
	"wit_component/assay_plugin_types"
)

// Failed is an error of a call as a Go error.
type Failed struct{ Cause assay_plugin_types.Error }

func (failed Failed) Error() string { return fmt.Sprintf("%+v", failed.Cause) }

// Request begins a request. The body, if there is one, is sent as JSON; the secret is a name, whose value the host inserts.
func Request(method, url string, body any, secret string) http.Request {
	request := http.Request{Method: method, Url: url, Body: http.MakeBodyNone(), TimeoutMs: witTypes.None[uint32]()}
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

// Send returns the response, whatever its status.
func Send(request http.Request) (http.Response, error) {
	answer := http.Send(request)
	if answer.IsErr() {
		return http.Response{}, failure(request.Url, answer.Err())
	}
	return answer.Ok(), nil
}

// JSON reads the JSON of a successful response.
func JSON(request http.Request, into any) error {
	response, err := Send(request)
	if err != nil {
		return err
	}
	if err := check(request, response.Status, response.Headers); err != nil {
		return err
	}
	if err := json.Unmarshal(response.Body, into); err != nil {
		return Failed{assay_plugin_types.MakeErrorLost(fmt.Sprintf("%s answered something that is not JSON: %v", request.Url, err))}
	}
	return nil
}

// Download streams a successful response into an artifact. It never enters the memory of this plugin.
func Download(request http.Request, artifact, mediaType string) error {
	saved := http.Download(request, artifact, mediaType)
	if saved.IsErr() {
		return failure(request.Url, saved.Err())
	}
	return check(request, saved.Ok().Status, saved.Ok().Headers)
}

func check(request http.Request, status uint16, headers []witTypes.Tuple2[string, string]) error {
	url := request.Url
	switch {
	case status == 401 || status == 403:
		return Failed{assay_plugin_types.MakeErrorAuth(request.Auth.SomeOr("none"))}
	case status == 429 || status >= 500:
		after := uint64(0)
		for _, header := range headers {
			if strings.EqualFold(header.F0, "retry-after") {
				after, _ = strconv.ParseUint(header.F1, 10, 20)
			}
		}
		return Failed{assay.Retry(fmt.Sprintf("%s answered %d", url, status), uint32(after)*1000)}
	case status == 404:
		return Failed{assay_plugin_types.MakeErrorLost(url + " does not exist")}
	case status >= 300:
		return Failed{assay.Invalid(fmt.Sprintf("%s answered %d", url, status))}
	}
	return nil
}

func failure(url string, err http.Error) error {
	switch err.Tag() {
	case http.Error_Denied:
		return Failed{assay.Invalid(url + " is denied: " + err.Denied())}
	case http.Error_TooLarge:
		return Failed{assay.Invalid("the answer of " + url + " is too large")}
	case http.Error_Tls:
		return Failed{assay.Retry(url+" cannot be reached: "+err.Tls(), 0)}
	case http.Error_Transport:
		return Failed{assay.Retry(url+" cannot be reached: "+err.Transport(), 0)}
	}
	return Failed{assay.Retry(url+" did not answer in time", 0)}
}

// Of returns the error for the host.
func Of(err error) assay_plugin_types.Error {
	if failed, ok := err.(Failed); ok {
		return failed.Cause
	}
	return assay_plugin_types.MakeErrorInternal(err.Error())
}
