// What Flux makes of objects by the healthCheckExprs of a Kustomization: its own evaluator, alone.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Input has objects, each of a kind that a check names.
type Input struct {
	Checks  []kustomize.CustomHealthCheck `json:"checks"`
	Objects []unstructured.Unstructured   `json:"objects"`
}

func main() {
	answers, err := judged(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judged(from *os.File) ([]string, error) {
	var given Input
	if err := json.NewDecoder(from).Decode(&given); err != nil {
		return nil, err
	}
	evaluators := map[string]*cel.StatusEvaluator{}
	for _, check := range given.Checks {
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", check.Kind, err)
		}
		evaluators[check.APIVersion+" "+check.Kind] = evaluator
	}
	answers := []string{}
	for _, object := range given.Objects {
		evaluator, found := evaluators[object.GetAPIVersion()+" "+object.GetKind()]
		if !found {
			return nil, fmt.Errorf("no check is for %s %s", object.GetAPIVersion(), object.GetKind())
		}
		result, err := evaluator.Evaluate(context.Background(), &object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", object.GetKind(), err)
		}
		answers = append(answers, string(result.Status))
	}
	return answers, nil
}
