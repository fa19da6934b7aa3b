// cart.go
package main

import "sync"

// Carts has one cart for each user ID. A promotion keeps the ID, so there is nothing to do for it. Use your database.
type Carts struct {
	mutex sync.Mutex
	items map[string][]string
}

var carts = Carts{items: map[string][]string{}}

func (c *Carts) Read(id string) []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return append([]string(nil), c.items[id]...)
}

func (c *Carts) Add(id, item string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.items[id] = append(c.items[id], item)
}

// Move is for a guest who signs in to an existing account, and so gets another ID.
func (c *Carts) Move(from, to string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.items[to] = append(c.items[to], c.items[from]...)
	delete(c.items, from)
}
