// Write what mods kept, with Go's own encoder: a line of JSON in, a gob in base64 out.
//
// A line is {"shape": "2025" | "2023", "messages": [...]}; the bytes of arguments are base64.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log"
	"os"
)

// Function is what was called.
type Function struct {
	Name      string
	Arguments []byte
}

// ToolCall is a call, and of a result whether it is an error.
type ToolCall struct {
	ID       string
	Function Function
	IsError  bool
}

// Message is a message since May 2025.
type Message struct {
	Role      string
	Content   string
	ToolCalls []ToolCall
}

// ImageURL is a picture in a message of 2023.
type ImageURL struct {
	URL string
}

// Part is a part of a message of 2023.
type Part struct {
	Type     string
	Text     string
	ImageURL *ImageURL
}

// OldFunction is what was called in 2023.
type OldFunction struct {
	Name      string
	Arguments string
}

// OldCall is a call of 2023.
type OldCall struct {
	Index    *int
	ID       string
	Type     string
	Function OldFunction
}

// ChatCompletionMessage is a message before May 2025.
type ChatCompletionMessage struct {
	Role         string
	Content      string
	MultiContent []Part
	Name         string
	FunctionCall *OldFunction
	ToolCalls    []OldCall
	ToolCallID   string
}

// Odd is what mods never kept.
type Odd struct {
	Number  float64
	Words   map[string]int
	Pair    [2]int
	Nothing any
	Nested  [][]int
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct {
			Shape    string
			Messages json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			log.Fatal(err)
		}
		var value any
		switch line.Shape {
		case "2025":
			value = &[]Message{}
		case "2023":
			value = &[]ChatCompletionMessage{}
		default:
			value = &[]Odd{}
		}
		if err := json.Unmarshal(line.Messages, value); err != nil {
			log.Fatal(err)
		}
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(value); err != nil {
			log.Fatal(err)
		}
		fmt.Println(base64.StdEncoding.EncodeToString(out.Bytes()))
	}
}
