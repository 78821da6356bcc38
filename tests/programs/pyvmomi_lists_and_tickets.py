"""pyVmomi logs in to the simulated host, lists its VMs, acquires console tickets and takes a screenshot.

Proof that the simulator speaks vim25 as a real client expects. Needs the path of the simulator's program in ESXI_SIM
and the package pyvmomi. Prints one line per check; exits non-zero at the first that fails.
"""

import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
from urllib.parse import quote, urlencode, urlparse
from urllib.request import Request, urlopen

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

USER, PASSWORD = "root", "correct horse"


def check(what, truth):
    print(("ok: " if truth else "FAILED: ") + what, flush=True)
    if not truth:
        sys.exit(1)


def refused(what, fault, call):
    try:
        call()
    except fault as error:
        check(what, True)
        return error
    check(what + " (nothing was raised)", False)


class Simulator:
    """The simulator's program, for as long as a `with` block lasts."""

    def __init__(self, *flags):
        command = [os.environ["ESXI_SIM"], "--until-stdin-closes", "--username", USER, "--password", PASSWORD]
        self.process = subprocess.Popen(command + list(flags), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.host, _, port = ready["address"].rpartition(":")
        self.port, self.sha256 = int(port), ready["sha256"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def login(self, password=PASSWORD):
        context = ssl._create_unverified_context()
        return SmartConnect(host=self.host, port=self.port, user=USER, pwd=password, sslContext=context)

    def console_certificate(self, host, port):
        context = ssl._create_unverified_context()
        with socket.create_connection((host, port)) as plain:
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)


    def console(self, ticket):
        """A console that has answered the upgrade, as a TLS connection."""
        context = ssl._create_unverified_context()
        secure = context.wrap_socket(socket.create_connection((ticket.host, ticket.port), timeout=10))
        request = [f"GET /ticket/{ticket.ticket} HTTP/1.1", "Host: esxi", "Upgrade: websocket", "Connection: Upgrade",
                   "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                   "Sec-WebSocket-Protocol: binary", "", ""]
        secure.sendall("\r\n".join(request).encode())
        check("a ticket opens a console", b" 101 " in secure.recv(4096))
        return secure


def view_of_vms(content):
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    try:
        return {vm.name: vm for vm in view.view}
    finally:
        view.Destroy()


def walked_vms(content):
    found = {}
    for datacenter in content.rootFolder.childEntity:
        left = list(datacenter.vmFolder.childEntity)
        while left:
            entity = left.pop()
            if isinstance(entity, vim.Folder):
                left.extend(entity.childEntity)
            else:
                found[entity.name] = entity
    return found


def collected_vms(content, page):
    """All VMs with the properties that matter, in pages of `page`."""
    collector = vmodl.query.PropertyCollector
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    paths = ["name", "runtime.powerState", "config.uuid", "config.instanceUuid", "runtime.host"]
    spec = collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=view, skip=True, selectSet=[
            collector.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)])],
        propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=paths)])
    result = content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions(maxObjects=page))
    found, pages = {}, 0
    while result:
        pages += 1
        for item in result.objects:
            values = {prop.name: prop.val for prop in item.propSet}
            found[values["name"]] = values
        if not result.token:
            break
        result = content.propertyCollector.ContinueRetrievePropertiesEx(result.token)
    view.Destroy()
    return found, pages


def first_update(content, vm):
    """What a filter on a VM's power state tells first, and whether the next wait times out with nothing."""
    collector = vmodl.query.PropertyCollector
    spec = collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=vm)],
        propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=["runtime.powerState"])])
    own = content.propertyCollector.CreatePropertyCollector()
    own.CreateFilter(spec, False)
    update = own.WaitForUpdatesEx("", collector.WaitOptions(maxWaitSeconds=1))
    (change,) = update.filterSet[0].objectSet
    more = own.WaitForUpdatesEx(update.version, collector.WaitOptions(maxWaitSeconds=0))
    own.Destroy()
    return change.kind, change.obj, change.changeSet[0].val, more


def try_esxi():
    with Simulator("--vm", "vm01", "--vm", "a & <b>", "--vm", "vm03", "--off", "vm03") as simulator:
        refused("a wrong password is InvalidLogin", vim.fault.InvalidLogin, lambda: simulator.login("wrong"))
        service = simulator.login()
        content = service.RetrieveContent()
        check("the host says it is an ESXi", content.about.apiType == "HostAgent")
        check("it is of the version asked for", content.about.version == "7.0.3")
        check("the session knows its user", content.sessionManager.currentSession.userName == USER)
        check("the clock can be read", service.CurrentTime() is not None)

        names = {"vm01", "a & <b>", "vm03"}
        vms = view_of_vms(content)
        check("a container view lists the VMs", set(vms) == names)
        check("walking the folders lists them too", set(walked_vms(content)) == names)
        check("morefs are plain integers", all(vm._moId.isdigit() for vm in vms.values()))
        collected, pages = collected_vms(content, 2)
        check("so does the property collector, in pages", set(collected) == names and pages == 2)
        vm = vms["vm01"]
        check("power states are told", vm.runtime.powerState == "poweredOn"
              and collected["vm03"]["runtime.powerState"] == "poweredOff")
        check("a VM has uuids", vm.config.uuid == collected["vm01"]["config.uuid"]
              and vm.config.instanceUuid == collected["vm01"]["config.instanceUuid"]
              and vm.config.uuid != vm.config.instanceUuid)
        check("a VM has a host, which has a name", bool(vm.runtime.host.name))
        check("a summary has what lists show", vm.summary.config.name == "vm01"
              and vm.summary.runtime.powerState == "poweredOn")
        check("changes can be waited for", first_update(content, vm) == ("enter", vm, "poweredOn", None))
        index = content.searchIndex
        check("a BIOS uuid finds its VM", index.FindByUuid(None, vm.config.uuid, True, False) == vm)
        check("an instance uuid finds its VM", index.FindByUuid(None, vm.config.instanceUuid, True, True) == vm)
        check("all VMs of a uuid are one", index.FindAllByUuid(None, vm.config.uuid, True) == [vm])
        check("an unknown uuid finds nothing", index.FindByUuid(None, "no such", True) is None)
        check("an inventory path finds its VM", index.FindByInventoryPath("ha-datacenter/vm/vm01") == vm)
        try_tickets(simulator, vms, vm)
        try_screenshots(simulator, content, vms)
        Disconnect(service)
        refused("after logging out nothing is answered", vim.fault.NotAuthenticated, service.CurrentTime)


def try_tickets(simulator, vms, vm):
    ticket = vm.AcquireTicket("webmks")
    check("a ticket names host, port and thumbprint", ticket.host == simulator.host
          and ticket.port == simulator.port and len(ticket.sslThumbprint.split(":")) == 20)
    url = urlparse(ticket.url)
    check("its url is a WebSocket's, with the ticket", url.scheme == "wss" and url.path == "/ticket/" + ticket.ticket)
    check("two tickets differ", vm.AcquireTicket("webmks").ticket != ticket.ticket)
    fault = refused("no ticket for a VM that is off", vim.fault.InvalidPowerState,
                    lambda: vms["vm03"].AcquireTicket("webmks"))
    check("the fault says which state it is in", fault.existingState == "poweredOff")
    refused("no ticket of another type", vmodl.fault.NotSupported, lambda: vm.AcquireTicket("mks"))
    gone = vim.VirtualMachine("9999", vm._stub)
    refused("no ticket for no VM", vmodl.fault.ManagedObjectNotFound, lambda: gone.AcquireTicket("webmks"))


def try_screenshots(simulator, content, vms):
    vm = vms["a & <b>"]
    task = vm.CreateScreenshot_Task()
    check("a screenshot is a task that ends well", WaitForTask(task) == "success")
    path = task.info.result
    check("its result is a path on a datastore", path == "[datastore1] a & <b>/a & <b>-1.png")
    where = urlencode({"dcPath": "ha-datacenter", "dsName": "datastore1"})
    file = f"https://{simulator.host}:{simulator.port}/folder/{quote(path.removeprefix('[datastore1] '))}?{where}"
    request = Request(file, headers={"Cookie": vm._stub.cookie})
    with urlopen(request, context=ssl._create_unverified_context()) as answer:
        check("the file is a PNG", answer.read(8) == b"\x89PNG\r\n\x1a\n")
    datacenter = content.rootFolder.childEntity[0]
    removal = content.fileManager.DeleteDatastoreFile_Task(path, datacenter)
    check("it can be removed", WaitForTask(removal) == "success")
    again = content.fileManager.DeleteDatastoreFile_Task(path, datacenter)
    fault = refused("a task's fault is typed too", vim.fault.FileNotFound, lambda: WaitForTask(again))
    check("it names the file", fault.file == path)
    refused("no screenshot of a VM that is off", vim.fault.InvalidPowerState, vms["vm03"].CreateScreenshot_Task)


def try_connections():
    with Simulator("--vm", "vm01=one-slot") as simulator:
        service = simulator.login()
        vm = view_of_vms(service.RetrieveContent())["vm01"]
        check("a VM that nobody looks at has no connections", not vm.QueryConnections())
        with simulator.console(vm.AcquireTicket("webmks")) as console:
            (connection,) = vm.QueryConnections()
            check("a console is a connection", isinstance(connection, vim.VirtualMachine.MksConnection))
            check("it names client and user", connection.client == "127.0.0.1" and connection.userName == USER)
            fault = refused("no ticket for one more", vim.fault.MksConnectionLimitReached,
                            lambda: vm.AcquireTicket("webmks"))
            check("the fault says how many there may be", fault.connectionLimit == 1)
            check("it can be dropped", vm.DropConnections([connection]) is True)
            # What came before the end is the answer to the upgrade, the version, and Close.
            check("then its console ends", ended(console))
        check("and no connection is left", not vm.QueryConnections())
        check("so that there is a ticket again", vm.AcquireTicket("webmks").ticket)
        Disconnect(service)


def ended(console):
    while console.recv(4096):
        pass
    return True


def try_vcenter():
    with Simulator("--vcenter", "--version", "8.0.2", "--vm", "vm01") as simulator:
        service = simulator.login()
        content = service.RetrieveContent()
        check("the host says it is a vCenter", content.about.apiType == "VirtualCenter")
        vm = view_of_vms(content)["vm01"]
        check("morefs are named", vm._moId.startswith("vm-"))
        check("a path finds its VM", content.searchIndex.FindByInventoryPath("/DC/vm/vm01") == vm)
        ticket = vm.AcquireTicket("webmks")
        check("a ticket names another port than the vCenter's", ticket.port != simulator.port)
        certificate = simulator.console_certificate(ticket.host, ticket.port)
        sha256 = hashlib.sha256(certificate).hexdigest()
        (thumbprint,) = ticket.certThumbprintList
        check("its SHA-256 is that of the console's certificate",
              thumbprint.thumbprint.replace(":", "").lower() == sha256 and sha256 != simulator.sha256)
        Disconnect(service)


def try_shapes():
    with Simulator("--version", "6.7", "--no-host", "--vm", "vm01") as simulator:
        service = simulator.login()
        ticket = view_of_vms(service.RetrieveContent())["vm01"].AcquireTicket("webmks")
        check("6.7 knows no url, and a host may be absent", ticket.url is None and ticket.host is None)
        Disconnect(service)
    with Simulator("--version", "9.0", "--unresolvable-url", "--vm", "vm01") as simulator:
        service = simulator.login()
        ticket = view_of_vms(service.RetrieveContent())["vm01"].AcquireTicket("webmks")
        check("9.0 gives the certificate in place of its SHA-1",
              ticket.sslCertificate.startswith("-----BEGIN CERTIFICATE-----") and ticket.sslThumbprint is None)
        check("a url may name a host that does not resolve", urlparse(ticket.url).hostname.endswith(".invalid"))
        Disconnect(service)


if __name__ == "__main__":
    try_esxi()
    try_connections()
    try_vcenter()
    try_shapes()
