// A vCenter or ESXi to test against: govmomi's simulator over TLS, with the three calls that it lacks, and a few levers.
//
// It prints one line of JSON when it is ready and takes one command a line on stdin:
// "expire" ends all sessions, "power NAME STATE" and "rename NAME NAME" change a VM, "remove NAME" takes one away.
// Each is answered by a line "ok". It ends when stdin does.
//
// Built in GOPATH mode against Debian's golang-github-vmware-govmomi-dev (0.24.2):
// GO111MODULE=off GOPATH=/usr/share/gocode go build main.go
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/ioutil"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// console is a VM that gives tickets while it is powered on.
type console struct {
	simulator.VirtualMachine
}

func (vm *console) AcquireTicket(request *types.AcquireTicket) soap.HasFault {
	body := &methods.AcquireTicketBody{}
	switch {
	case request.TicketType != "webmks":
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{})
	case vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn:
		body.Fault_ = simulator.Fault("not now", &types.InvalidPowerState{ExistingState: vm.Runtime.PowerState})
	default:
		body.Res = &types.AcquireTicketResponse{Returnval: types.VirtualMachineTicket{
			Ticket: "ticket-for-" + vm.Self.Value,
			Host:   "192.0.2.1",
			Port:   443,
		}}
	}
	return body
}

// CreateScreenshotTask writes what begins like a PNG to the VM's first datastore, under a name with something to escape.
func (vm *console) CreateScreenshotTask(request *types.CreateScreenshot_Task) soap.HasFault {
	task := simulator.CreateTask(vm, "createScreenshot", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			return nil, &types.InvalidPowerState{ExistingState: vm.Runtime.PowerState}
		}
		datastore := simulator.Map.Get(vm.Datastore[0]).(*simulator.Datastore)
		file := "shots of it/" + vm.Self.Value + " 50% ü%2f.png"
		path := filepath.Join(datastore.Info.GetDatastoreInfo().Url, file)
		check(os.MkdirAll(filepath.Dir(path), 0700))
		check(ioutil.WriteFile(path, []byte("\x89PNG\r\n\x1a\nof "+vm.Self.Value), 0600))
		return fmt.Sprintf("[%s] %s", datastore.Name, file), nil
	})
	return &methods.CreateScreenshot_TaskBody{Res: &types.CreateScreenshot_TaskResponse{Returnval: task.Run()}}
}

// index finds all that bear a UUID, not only one.
type index struct {
	simulator.SearchIndex
}

func (s *index) FindAllByUuid(request *types.FindAllByUuid) soap.HasFault {
	response := &types.FindAllByUuidResponse{}
	for _, vm := range machines() {
		uuid := vm.Config.Uuid
		if request.InstanceUuid != nil && *request.InstanceUuid {
			uuid = vm.Config.InstanceUuid
		}
		if uuid == request.Uuid {
			response.Returnval = append(response.Returnval, vm.Self)
		}
	}
	return &methods.FindAllByUuidBody{Res: response}
}

// cookies remembers every session that was opened: its cookie is its key.
type cookies struct {
	http.Handler
	mutex sync.Mutex
	keys  []string
}

func (c *cookies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.Handler.ServeHTTP(w, r)
	for _, cookie := range (&http.Response{Header: w.Header()}).Cookies() {
		c.mutex.Lock()
		c.keys = append(c.keys, cookie.Value)
		c.mutex.Unlock()
	}
}

func (c *cookies) expire() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	nobody := &simulator.Context{Session: &simulator.Session{}}
	for _, key := range c.keys {
		simulator.Map.SessionManager().TerminateSession(nobody, &types.TerminateSession{SessionId: []string{key}})
	}
	c.keys = nil
}

func main() {
	esx := flag.Bool("esx", false, "an ESXi instead of a vCenter")
	datacenters := flag.Int("datacenters", 2, "datacenters of the vCenter")
	folders := flag.Int("folders", 1, "how many of them are inside a folder, and their VMs too")
	vms := flag.Int("vms", 3, "VMs in each resource pool")
	apps := flag.Int("apps", 1, "vApps in each cluster")
	flag.Parse()
	log.SetOutput(ioutil.Discard)

	model := simulator.VPX()
	if *esx {
		model = simulator.ESX()
	} else {
		model.Datacenter, model.Folder, model.App = *datacenters, *folders, *apps
	}
	model.Machine = *vms
	defer model.Remove()
	check(model.Create())
	for _, vm := range machines() {
		simulator.Map.Put(&console{VirtualMachine: *simulator.Map.Get(vm.Self).(*simulator.VirtualMachine)})
	}
	searchIndex := simulator.Map.SearchIndex()
	simulator.Map.Put(&index{SearchIndex: *searchIndex})

	certificate, der := selfSigned()
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword("admin", "open & <sesame>")}
	server := model.Service.NewServer()
	defer server.Close()
	sessions := &cookies{Handler: server.Config.Handler}
	server.Config.Handler = sessions

	ready, err := json.Marshal(map[string]string{"address": server.URL.Host, "certificate": hex.EncodeToString(der)})
	check(err)
	fmt.Println(string(ready))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command(sessions, strings.Split(lines.Text(), "\t"))
		fmt.Println("ok")
	}
}

func command(sessions *cookies, words []string) {
	switch words[0] {
	case "expire":
		sessions.expire()
	case "power":
		change(words[1], "runtime.powerState", types.VirtualMachinePowerState(words[2]))
	case "rename":
		change(words[1], "name", words[2])
	case "remove":
		simulator.Map.Remove(named(words[1]))
	default:
		log.Panicf("no such command: %q", words)
	}
}

func change(name string, property string, value types.AnyType) {
	vm := simulator.Map.Get(named(name))
	simulator.Map.Update(vm, []types.PropertyChange{{Name: property, Val: value}})
}

func named(name string) types.ManagedObjectReference {
	for _, vm := range machines() {
		if vm.Name == name {
			return vm.Self
		}
	}
	panic("no such VM: " + name)
}

func machines() []*mo.VirtualMachine {
	var all []*mo.VirtualMachine
	for _, entity := range simulator.Map.All("VirtualMachine") {
		switch vm := entity.(type) {
		case *simulator.VirtualMachine:
			all = append(all, &vm.VirtualMachine)
		case *console:
			all = append(all, &vm.VirtualMachine.VirtualMachine)
		}
	}
	return all
}

func selfSigned() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, der
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
