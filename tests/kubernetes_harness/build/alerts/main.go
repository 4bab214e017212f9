// Which alerts fire over given series: Prometheus' own engine over its own storage, nothing else.
// promtool does this too, and is made of five times as many packages.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
)

// Rule is one alert; For is in seconds.
type Rule struct {
	Alert string  `json:"alert"`
	Expr  string  `json:"expr"`
	For   float64 `json:"for"`
}

// Series has one value for each step, null where there is none.
type Series struct {
	Labels map[string]string `json:"labels"`
	Values []*float64        `json:"values"`
}

// Input is evaluated once for each step, Step seconds apart.
type Input struct {
	Step   float64  `json:"step"`
	Rules  []Rule   `json:"rules"`
	Series []Series `json:"series"`
}

func main() {
	answers, err := firing(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func firing(from *os.File) ([]string, error) {
	var given Input
	if err := json.NewDecoder(from).Decode(&given); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "alerts")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	storage, err := tsdb.Open(folder, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return nil, err
	}
	defer storage.Close()
	steps, err := load(storage, given)
	if err != nil {
		return nil, err
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute})
	found := []string{}
	for _, rule := range given.Rules {
		fires, err := everFires(engine, storage, rule, given.Step, steps)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Alert, err)
		}
		if fires {
			found = append(found, rule.Alert)
		}
	}
	sort.Strings(found)
	return found, nil
}

func load(storage *tsdb.DB, given Input) (int, error) {
	steps := 0
	appender := storage.Appender(context.Background())
	for _, series := range given.Series {
		name := labels.FromMap(series.Labels)
		for n, value := range series.Values {
			if value == nil {
				continue
			}
			if _, err := appender.Append(0, name, at(n, given.Step).UnixMilli(), *value); err != nil {
				return 0, err
			}
		}
		steps = max(steps, len(series.Values))
	}
	return steps, appender.Commit()
}

// everFires keeps, as Prometheus does, since when each result has been there without a gap.
func everFires(engine *promql.Engine, storage *tsdb.DB, rule Rule, step float64, steps int) (bool, error) {
	since := map[string]time.Time{}
	for n := range steps {
		now := at(n, step)
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, rule.Expr, now)
		if err != nil {
			return false, err
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			return false, err
		}
		active := map[string]time.Time{}
		for _, sample := range vector {
			name := sample.Metric.String()
			began, known := since[name]
			if !known {
				began = now
			}
			active[name] = began
			if now.Sub(began).Seconds() >= rule.For {
				return true, nil
			}
		}
		since = active
		query.Close()
	}
	return false, nil
}

func at(n int, step float64) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(float64(n) * step * float64(time.Second)))
}
