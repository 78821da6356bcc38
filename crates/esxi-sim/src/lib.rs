//! A simulated ESXi host: SOAP, one-time tickets, the webmks WebSocket, a small RFB desktop.
