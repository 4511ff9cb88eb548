CREATE TABLE api_keys (
	id VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	scope VARCHAR(8) NOT NULL, 
	digest BLOB NOT NULL, 
	made_us BIGINT NOT NULL, 
	made_by VARCHAR(200) NOT NULL, 
	ends_us BIGINT NOT NULL, programs TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT api_keys_digest UNIQUE (digest)
);
INSERT INTO "api_keys" VALUES('15298fdd','shop','check',X'F9AA1AB47F99E90AB0F210A9BBB5BD68534ABC460373319F7A48C17F6B263882',1796135055774948,'operator:ann',0,'');
CREATE TABLE events (
	id VARCHAR(64) NOT NULL, 
	lane SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	kind VARCHAR(200) NOT NULL, 
	outcome VARCHAR(200) NOT NULL, 
	number VARCHAR(200) NOT NULL, 
	program VARCHAR(200) NOT NULL, 
	scope VARCHAR(200) NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	account VARCHAR(200) NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	received_us BIGINT NOT NULL, 
	applied_us BIGINT NOT NULL, 
	committed_us BIGINT NOT NULL, 
	stands BOOLEAN NOT NULL, 
	text_digest BLOB NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES('01a231fd-f135-7bea-8b17-39e50aa9cc83',0,1,'opt_out','applied','+14155550208','club','club','operator','operator:ann','','',1796135055669000,1796135055726291,1796135055730000,1,X'B1E33542C1359902F2E6C2F61A416E4916407274591EE66FFB8F7338D277614D','{"id":"01a231fd-f135-7bea-8b17-39e50aa9cc83","kind":"opt_out","outcome":"applied","number":"+14155550208","program":"club","scope":"club","before":"allowed","after":"blocked","standing":{"own":["club"],"back":[],"consents":[],"state":{"marks":{"club":{"stops":true,"stamp_us":1796135055669741,"account":"","id":"1796135055669-0","since_us":1796135055669741,"changed":"1796135055669-0","why":"operator"}}}},"inbox_id":"1796135055669-0","entry":{"number":"+14155550208","program":"club","decision":{"intent":"opt_out","rule":"operator"},"scope":"club","source":"operator","actor":"operator:ann"},"stamp_us":1796135055669741,"received_us":1796135055669000,"applied_us":1796135055726291,"note":"it was asked for by hand, not by a text","software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f138-7d6f-b534-34499e399297',1,1,'import','applied','','all','all','import','operator:ann','','list-1--1-0',1796135055672000,1796135055675755,1796135055681000,1,X'5035B6DEA039BA800BF460914C2DCB3EE4BA0674434294AD527798FC83ED94D8','{"id":"01a231fd-f138-7d6f-b534-34499e399297","kind":"import","outcome":"applied","number":"","program":"all","scope":"all","listed":[{"numbers":["+14155550207"],"outcome":"applied","before":"allowed","after":"blocked","standing":{"everywhere":true,"own":[],"back":[],"consents":[],"state":{}},"since_us":[1750000000000000]}],"inbox_id":"1796135055672-0","entry":{"number":"","program":"all","decision":{"intent":"opt_out_all","rule":"import"},"scope":"all","source":"import","actor":"operator:ann","message_id":"list-1--1-0","action":"import"},"stamp_us":1796135055672023,"received_us":1796135055672000,"applied_us":1796135055675755,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-ef76-7e4a-af94-26c3ddecb51f',2,1,'opt_out','applied','+14155550200','alerts','all','text','subscriber','twilio','SM00000000000000000000000000000001',1796135055222000,1796135055343180,1796135055345000,1,X'21E7A3FF84D43D9CBDD06AA0BD071E860504B9025321123FE7576B4E2B1413A9','{"id":"01a231fd-ef76-7e4a-af94-26c3ddecb51f","kind":"opt_out","outcome":"applied","number":"+14155550200","program":"alerts","scope":"all","before":"allowed","after":"blocked","standing":{"everywhere":true,"own":[],"back":[],"consents":[],"state":{"marks":{"all":{"stops":true,"stamp_us":1796135055222763,"account":"twilio","id":"1796135055222-0","since_us":1796135055222763,"changed":"1796135055222-0","why":"keyword STOP"}}}},"inbox_id":"1796135055222-0","entry":{"number":"+14155550200","program":"alerts","decision":{"intent":"opt_out","rule":"keyword","keyword":"STOP","language":"en","steps":["case"],"version":"e1763809a757"},"scope":"all","account":"twilio","message_id":"SM00000000000000000000000000000001","sender":"+14155550999","answered":"provider"},"stamp_us":1796135055222763,"received_us":1796135055222000,"applied_us":1796135055343180,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-ef92-7d9f-80c3-a6dd3cf0ea91',4,1,'opt_out','applied','+14155550201','orders','orders','text','subscriber','twilio','SM00000000000000000000000000000002',1796135055250000,1796135055370472,1796135055371000,1,X'74018A529B2FD914BA307AECC330B1EC8295AE3C846227954F2135D8CC7B09F3','{"id":"01a231fd-ef92-7d9f-80c3-a6dd3cf0ea91","kind":"opt_out","outcome":"applied","number":"+14155550201","program":"orders","scope":"orders","before":"allowed","after":"blocked","standing":{"own":["orders"],"back":[],"consents":[],"state":{"marks":{"orders":{"stops":true,"stamp_us":1796135055250406,"account":"twilio","id":"1796135055250-0","since_us":1796135055250406,"changed":"1796135055250-0","why":"keyword STOP"}}}},"inbox_id":"1796135055250-0","entry":{"number":"+14155550201","program":"orders","decision":{"intent":"opt_out","rule":"keyword","keyword":"STOP","language":"en","version":"669037f9eddf"},"scope":"orders","account":"twilio","message_id":"SM00000000000000000000000000000002","sender":"+14155550888","answered":"provider"},"stamp_us":1796135055250406,"received_us":1796135055250000,"applied_us":1796135055370472,"note":"your provider sends this reply","software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f138-7110-93f7-00ce00066cca',6,1,'import','applied','','all','all','import','operator:ann','','list-1--6-0',1796135055672000,1796135055693955,1796135055711000,1,X'A11A336389B9481F5917381C1683DD823B0F75667C0D1EB6CBB17ADB992A8ECB','{"id":"01a231fd-f138-7110-93f7-00ce00066cca","kind":"import","outcome":"applied","number":"","program":"all","scope":"all","listed":[{"numbers":["+14155550209"],"outcome":"applied","before":"allowed","after":"blocked","standing":{"everywhere":true,"own":[],"back":[],"consents":[],"state":{}},"since_us":[1751000000000000]}],"inbox_id":"1796135055672-0","entry":{"number":"","program":"all","decision":{"intent":"opt_out_all","rule":"import"},"scope":"all","source":"import","actor":"operator:ann","message_id":"list-1--6-0","action":"import"},"stamp_us":1796135055672103,"received_us":1796135055672000,"applied_us":1796135055693955,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f05f-7ccf-9474-8e80a2193f6b',7,1,'opt_out','applied','+14155550206','orders','orders','text','subscriber','twilio','SM00000000000000000000000000000006',1796135055455000,1796135055493765,1796135055495000,1,X'CD5267D6F8371F6D06E37FB0175A2AAAABD118ACEC4661E5149A20A8E1BB34AF','{"id":"01a231fd-f05f-7ccf-9474-8e80a2193f6b","kind":"opt_out","outcome":"applied","number":"+14155550206","program":"orders","scope":"orders","before":"allowed","after":"blocked","standing":{"own":["orders"],"back":[],"consents":[],"state":{"marks":{"orders":{"stops":true,"stamp_us":1796135055455469,"account":"twilio","id":"1796135055455-0","since_us":1796135055455469,"changed":"1796135055455-0","why":"keyword STOP"}}}},"inbox_id":"1796135055455-0","entry":{"number":"+14155550206","program":"orders","decision":{"intent":"opt_out","rule":"keyword","keyword":"STOP","language":"en","steps":["case"],"version":"669037f9eddf"},"scope":"orders","account":"twilio","message_id":"SM00000000000000000000000000000006","sender":"+14155550888","answered":"provider"},"stamp_us":1796135055455469,"received_us":1796135055455000,"applied_us":1796135055493765,"note":"your provider sends this reply","software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f0d5-792d-a803-72674d4f1bfc',7,2,'opt_in','applied','+14155550206','orders','','text','subscriber','twilio','SM00000000000000000000000000000007',1796135055573000,1796135055579366,1796135055579000,1,X'ADAA4EE64BEBA9344064451AC10370DAB1A2E4AEA7E34AF93232725A65CF95E6','{"id":"01a231fd-f0d5-792d-a803-72674d4f1bfc","kind":"opt_in","outcome":"applied","number":"+14155550206","program":"orders","before":"blocked","after":"allowed","standing":{"own":[],"back":[],"consents":["orders"],"state":{"marks":{"orders":{"stops":false,"stamp_us":1796135055573569,"account":"twilio","id":"1796135055573-0","since_us":1796135055573569,"changed":"1796135055573-0","why":"keyword START"}}}},"inbox_id":"1796135055573-0","entry":{"number":"+14155550206","program":"orders","decision":{"intent":"opt_in","rule":"keyword","keyword":"START","language":"en","steps":["case"],"version":"669037f9eddf"},"account":"twilio","message_id":"SM00000000000000000000000000000007","sender":"+14155550888","answered":"provider"},"stamp_us":1796135055573569,"received_us":1796135055573000,"applied_us":1796135055579366,"note":"your provider sends this reply","software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f04f-7ae5-8c38-3dc9aaba3cc0',8,1,'lock','applied','+14155550203','all','all','operator','operator:ann','','',1796135055439000,1796135055498298,1796135055506000,1,X'B79EBF6C811EBFD527C8E8E556F4867CBA7E283011E48159700BA6DDE4874BB7','{"id":"01a231fd-f04f-7ae5-8c38-3dc9aaba3cc0","kind":"lock","outcome":"applied","number":"+14155550203","program":"all","scope":"all","before":"allowed","after":"blocked","standing":{"everywhere":true,"own":[],"back":[],"locked":true,"consents":[],"state":{"marks":{"all":{"stops":true,"stamp_us":1796135055439758,"account":"","id":"1796135055439-0","since_us":1796135055439758,"changed":"1796135055439-0","why":"operator"}}}},"inbox_id":"1796135055439-0","entry":{"number":"+14155550203","program":"all","decision":{"intent":"opt_out_all","rule":"operator"},"scope":"all","source":"operator","actor":"operator:ann","action":"lock"},"stamp_us":1796135055439758,"received_us":1796135055439000,"applied_us":1796135055498298,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f052-758f-b029-df7453e582cc',11,1,'consent','applied','+14155550204','club','','api','key:shop','','',1796135055442000,1796135055519553,1796135055519000,1,X'','{"id":"01a231fd-f052-758f-b029-df7453e582cc","kind":"consent","outcome":"applied","number":"+14155550204","program":"club","before":"allowed","after":"allowed","standing":{"own":[],"back":[],"consents":["club"],"state":{}},"inbox_id":"1796135055442-0","entry":{"number":"+14155550204","program":"club","decision":{"intent":"opt_in","rule":"consent"},"source":"api","actor":"key:shop","action":"consent","consent":{"words":"I agree to texts of Acme Club","medium":"web","source":"https://acme.example/join","given_us":1764000000000000}},"stamp_us":1796135055442975,"received_us":1796135055442000,"applied_us":1796135055519553,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f054-74f7-b6d2-c580e12ff221',13,1,'review','recorded','+14155550205','alerts','','text','subscriber','twilio','SM00000000000000000000000000000005',1796135055444000,1796135055552744,1796135055554000,0,X'F13C0BE2D9BA2F599A50C686D3456969DCBC03754D2211C63C041777D3DF8E23','{"id":"01a231fd-f054-74f7-b6d2-c580e12ff221","kind":"review","outcome":"recorded","number":"+14155550205","program":"alerts","before":"allowed","after":"allowed","inbox_id":"1796135055444-0","entry":{"number":"+14155550205","program":"alerts","decision":{"intent":"review","rule":"keyword_as_question","keyword":"STOP","language":"en","version":"e1763809a757"},"account":"twilio","message_id":"SM00000000000000000000000000000005","sender":"+14155550999"},"stamp_us":1796135055444148,"received_us":1796135055444000,"applied_us":1796135055552744,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-efd7-775c-8488-0f4a0249945e',14,1,'opt_out','applied','+14155550202','alerts','all','text','subscriber','twilio','SM00000000000000000000000000000003',1796135055319000,1796135055390549,1796135055391000,1,X'F0A92DA008891FCAF4747890770602ECE1FC2ED901A1597FC3A4D31CB2F363AA','{"id":"01a231fd-efd7-775c-8488-0f4a0249945e","kind":"opt_out","outcome":"applied","number":"+14155550202","program":"alerts","scope":"all","before":"allowed","after":"blocked","standing":{"everywhere":true,"own":[],"back":[],"consents":[],"state":{"marks":{"all":{"stops":true,"stamp_us":1796135055319483,"account":"twilio","id":"1796135055319-0","since_us":1796135055319483,"changed":"1796135055319-0","why":"keyword STOP"}}}},"inbox_id":"1796135055319-0","entry":{"number":"+14155550202","program":"alerts","decision":{"intent":"opt_out","rule":"keyword","keyword":"STOP","language":"en","steps":["case"],"version":"e1763809a757"},"scope":"all","account":"twilio","message_id":"SM00000000000000000000000000000003","sender":"+14155550999","answered":"provider"},"stamp_us":1796135055319483,"received_us":1796135055319000,"applied_us":1796135055390549,"software":"0.2.0"}');
INSERT INTO "events" VALUES('01a231fd-f029-751e-9ad9-8be197174561',14,2,'opt_in','applied','+14155550202','alerts','','text','subscriber','twilio','SM00000000000000000000000000000004',1796135055401000,1796135055427596,1796135055428000,1,X'4CB39884C19FB3D27C69B652225356846C84A60128834192DD5F90CAE609602C','{"id":"01a231fd-f029-751e-9ad9-8be197174561","kind":"opt_in","outcome":"applied","number":"+14155550202","program":"alerts","before":"blocked","after":"allowed","standing":{"everywhere":true,"own":[],"back":["alerts"],"consents":["alerts"],"state":{"marks":{"all":{"stops":true,"stamp_us":1796135055319483,"account":"twilio","id":"1796135055319-0","since_us":1796135055319483,"changed":"1796135055319-0","why":"keyword STOP"},"alerts":{"stops":false,"stamp_us":1796135055401938,"account":"twilio","id":"1796135055401-0","since_us":1796135055401938,"changed":"1796135055401-0","why":"keyword START"}}}},"inbox_id":"1796135055401-0","entry":{"number":"+14155550202","program":"alerts","decision":{"intent":"opt_in","rule":"keyword","keyword":"START","language":"en","steps":["case"],"version":"e1763809a757"},"account":"twilio","message_id":"SM00000000000000000000000000000004","sender":"+14155550999","answered":"provider"},"stamp_us":1796135055401938,"received_us":1796135055401000,"applied_us":1796135055427596,"software":"0.2.0"}');
CREATE TABLE heads (
	lane SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (lane)
);
INSERT INTO "heads" VALUES(0,1,X'1E0C8127D9098A441BBC1BEEDA47B517A9D3B53719CBAE90B2AA41968F3F7FF0');
INSERT INTO "heads" VALUES(1,1,X'32EC81222C8C82444D12F37C31769A48E19499C67BF126D446F7640AAC779A71');
INSERT INTO "heads" VALUES(2,1,X'69B87E4B23E6B6BD3D2353FE542FFE01B00A15EC31DD9C30E861D84B87DE3AB3');
INSERT INTO "heads" VALUES(4,1,X'CD4DA56B0A0CAA1EE21939D29BA2C9EDE155B9C3F82953144E7543E78990DDB5');
INSERT INTO "heads" VALUES(6,1,X'64F211F8030423BA9D6790640D68B53300D01A0D041DAAD55C1FCF4316530FE6');
INSERT INTO "heads" VALUES(7,2,X'BD8BAAD60821F7C3A80FF872AFD7425BD23F2A6DA29F6EC81D1FC0B74A96881D');
INSERT INTO "heads" VALUES(8,1,X'7808B6848303449BC7B609AD9C05B60B6363CC0D0C861D5C55F4575397BFC0A4');
INSERT INTO "heads" VALUES(11,1,X'ADC3CDE2B6F74078A33728AE13AE4B06B7D026EB0DE3E8D30A62D5F18DF26932');
INSERT INTO "heads" VALUES(13,1,X'FE704440F921FDEA18250D9E5EA7E893CADB198E5BF73C20A3951D88E440F0A7');
INSERT INTO "heads" VALUES(14,2,X'D5B5C648B7CCC44B57ECAD81D73C7F67869B2B24630EBFD005843400DAA787BD');
CREATE TABLE links (
	lane SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	event_id VARCHAR(64) NOT NULL, 
	content_hash BLOB NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (lane, seq), 
	CONSTRAINT links_event_id UNIQUE (event_id)
)
 WITHOUT ROWID

;
INSERT INTO "links" VALUES(0,1,'01a231fd-f135-7bea-8b17-39e50aa9cc83',X'A76222BC4EA9BA3F9F0BDE395CC391CBBB598789438AB8EACEE71B37B84539F3',X'1E0C8127D9098A441BBC1BEEDA47B517A9D3B53719CBAE90B2AA41968F3F7FF0');
INSERT INTO "links" VALUES(1,1,'01a231fd-f138-7d6f-b534-34499e399297',X'84EF8BE0EA863CC83579A3C851E91563E630EE4C096025863D6119722689AF60',X'32EC81222C8C82444D12F37C31769A48E19499C67BF126D446F7640AAC779A71');
INSERT INTO "links" VALUES(2,1,'01a231fd-ef76-7e4a-af94-26c3ddecb51f',X'18C443DA3818139AFA9D63350C798C097ADD921D5A8835B2389995465C16C70C',X'69B87E4B23E6B6BD3D2353FE542FFE01B00A15EC31DD9C30E861D84B87DE3AB3');
INSERT INTO "links" VALUES(4,1,'01a231fd-ef92-7d9f-80c3-a6dd3cf0ea91',X'2B7398F4E63650B8BFE14940343B5AF5FA79D597F34AAEF217752AB02721F019',X'CD4DA56B0A0CAA1EE21939D29BA2C9EDE155B9C3F82953144E7543E78990DDB5');
INSERT INTO "links" VALUES(6,1,'01a231fd-f138-7110-93f7-00ce00066cca',X'7F370AEF50C3DF58AAC163DF52FA3B859A700C0CA17AA8DEB72633A7AC41B73F',X'64F211F8030423BA9D6790640D68B53300D01A0D041DAAD55C1FCF4316530FE6');
INSERT INTO "links" VALUES(7,1,'01a231fd-f05f-7ccf-9474-8e80a2193f6b',X'F1D852A6307A9BDDB0B02C228FF3BCF44144BD505749B073BC0EF4020CAF6A4E',X'927072B531268682A30DB63737756EC7254FB9DBA61822FF880812A6837844FF');
INSERT INTO "links" VALUES(7,2,'01a231fd-f0d5-792d-a803-72674d4f1bfc',X'AA01B3D6F4A52928E4712E66C5B935E1AD150C561FEE7062C47C75087EADA882',X'BD8BAAD60821F7C3A80FF872AFD7425BD23F2A6DA29F6EC81D1FC0B74A96881D');
INSERT INTO "links" VALUES(8,1,'01a231fd-f04f-7ae5-8c38-3dc9aaba3cc0',X'9F940B33CFA1DEAA60A86B66299AA1517A15D07D406AD0925CCC57C06C2A8FE4',X'7808B6848303449BC7B609AD9C05B60B6363CC0D0C861D5C55F4575397BFC0A4');
INSERT INTO "links" VALUES(11,1,'01a231fd-f052-758f-b029-df7453e582cc',X'1747D3EC450B8968F778680C5CF04FCA32FB9D0E9E43452DA0F437149DEA7EE3',X'ADC3CDE2B6F74078A33728AE13AE4B06B7D026EB0DE3E8D30A62D5F18DF26932');
INSERT INTO "links" VALUES(13,1,'01a231fd-f054-74f7-b6d2-c580e12ff221',X'0ED9FCE684237ED69A3E753BA1D828B6B574FD2ED1FD2074778AB95D2756EF64',X'FE704440F921FDEA18250D9E5EA7E893CADB198E5BF73C20A3951D88E440F0A7');
INSERT INTO "links" VALUES(14,1,'01a231fd-efd7-775c-8488-0f4a0249945e',X'24AD9C48A8FF84CEA6D3BAA864713BA6B0B48F9DAA014B32E74E07D72FE22A0B',X'22616495778DB19A4EC42D9344CA1205B17C48E95323FC49424745287517EB1E');
INSERT INTO "links" VALUES(14,2,'01a231fd-f029-751e-9ad9-8be197174561',X'4F1E91B6876C90DFF21411062B0678BFD755005F5A6757E97C9E4880C701887D',X'D5B5C648B7CCC44B57ECAD81D73C7F67869B2B24630EBFD005843400DAA787BD');
CREATE TABLE memberships (
	number VARCHAR(200) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	scope VARCHAR(200) NOT NULL, 
	since_us BIGINT NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	lane SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	tail VARCHAR(4) NOT NULL, 
	PRIMARY KEY (number, state, scope)
)
 WITHOUT ROWID

;
INSERT INTO "memberships" VALUES('+14155550200','opted_out','all',1796135055222763,'text',2,1,'0200');
INSERT INTO "memberships" VALUES('+14155550201','opted_out','orders',1796135055250406,'text',4,1,'0201');
INSERT INTO "memberships" VALUES('+14155550202','back','alerts',1796135055401938,'text',14,2,'0202');
INSERT INTO "memberships" VALUES('+14155550202','consent','alerts',1796135055401938,'text',14,2,'0202');
INSERT INTO "memberships" VALUES('+14155550202','opted_out','all',1796135055319483,'text',14,1,'0202');
INSERT INTO "memberships" VALUES('+14155550203','locked','all',1796135055439758,'operator',8,1,'0203');
INSERT INTO "memberships" VALUES('+14155550203','opted_out','all',1796135055439758,'operator',8,1,'0203');
INSERT INTO "memberships" VALUES('+14155550204','consent','club',1764000000000000,'api',11,1,'0204');
INSERT INTO "memberships" VALUES('+14155550206','consent','orders',1796135055573569,'text',7,2,'0206');
INSERT INTO "memberships" VALUES('+14155550207','opted_out','all',1750000000000000,'import',1,1,'0207');
INSERT INTO "memberships" VALUES('+14155550208','opted_out','club',1796135055669741,'operator',0,1,'0208');
INSERT INTO "memberships" VALUES('+14155550209','opted_out','all',1751000000000000,'import',6,1,'0209');
CREATE TABLE numbers (
	number VARCHAR(200) NOT NULL, 
	lane SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	everywhere BOOLEAN NOT NULL, 
	own TEXT NOT NULL, 
	back TEXT NOT NULL, 
	locked BOOLEAN NOT NULL, 
	consents TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "numbers" VALUES('+14155550200',2,1,1,'','',0,'','{"marks":{"all":{"stops":true,"stamp_us":1796135055222763,"account":"twilio","id":"1796135055222-0","since_us":1796135055222763,"changed":"1796135055222-0","why":"keyword STOP"}}}');
INSERT INTO "numbers" VALUES('+14155550201',4,1,0,'orders','',0,'','{"marks":{"orders":{"stops":true,"stamp_us":1796135055250406,"account":"twilio","id":"1796135055250-0","since_us":1796135055250406,"changed":"1796135055250-0","why":"keyword STOP"}}}');
INSERT INTO "numbers" VALUES('+14155550202',14,2,1,'','alerts',0,'alerts','{"marks":{"all":{"stops":true,"stamp_us":1796135055319483,"account":"twilio","id":"1796135055319-0","since_us":1796135055319483,"changed":"1796135055319-0","why":"keyword STOP"},"alerts":{"stops":false,"stamp_us":1796135055401938,"account":"twilio","id":"1796135055401-0","since_us":1796135055401938,"changed":"1796135055401-0","why":"keyword START"}}}');
INSERT INTO "numbers" VALUES('+14155550203',8,1,1,'','',1,'','{"marks":{"all":{"stops":true,"stamp_us":1796135055439758,"account":"","id":"1796135055439-0","since_us":1796135055439758,"changed":"1796135055439-0","why":"operator"}}}');
INSERT INTO "numbers" VALUES('+14155550204',11,1,0,'','',0,'club','{}');
INSERT INTO "numbers" VALUES('+14155550206',7,2,0,'','',0,'orders','{"marks":{"orders":{"stops":false,"stamp_us":1796135055573569,"account":"twilio","id":"1796135055573-0","since_us":1796135055573569,"changed":"1796135055573-0","why":"keyword START"}}}');
INSERT INTO "numbers" VALUES('+14155550207',1,1,1,'','',0,'','{}');
INSERT INTO "numbers" VALUES('+14155550208',0,1,0,'club','',0,'','{"marks":{"club":{"stops":true,"stamp_us":1796135055669741,"account":"","id":"1796135055669-0","since_us":1796135055669741,"changed":"1796135055669-0","why":"operator"}}}');
INSERT INTO "numbers" VALUES('+14155550209',6,1,1,'','',0,'','{}');
CREATE TABLE records_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT records_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "records_version" VALUES('0013');
CREATE TABLE stores (
	id VARCHAR(64) NOT NULL, 
	buckets BIGINT NOT NULL, 
	made_us BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "stores" VALUES('faa2bd1c0bc4466d97f0ca2233656964',8,1796135055813353);
CREATE TABLE texts (
	event_id VARCHAR(64) NOT NULL, 
	salt BLOB NOT NULL, 
	words TEXT NOT NULL, 
	PRIMARY KEY (event_id)
)
 WITHOUT ROWID

;
INSERT INTO "texts" VALUES('01a231fd-ef76-7e4a-af94-26c3ddecb51f',X'2BC9879A06B6179971D1D73EFF9CBBE3','{"text":"STOP","reason":"The printed keyword in nearly every language, so it counts in all of them. Sources: FCC, CTIA, Twilio, Infobip."}');
INSERT INTO "texts" VALUES('01a231fd-ef92-7d9f-80c3-a6dd3cf0ea91',X'0414DBF4CFE00B0C490D18C0594E24E1','{"text":"stop","reason":"The printed keyword in nearly every language, so it counts in all of them. Sources: FCC, CTIA, Twilio, Infobip."}');
INSERT INTO "texts" VALUES('01a231fd-efd7-775c-8488-0f4a0249945e',X'F3CBEAF13A1638B07A414F813E0CD5A5','{"text":"STOP","reason":"The printed keyword in nearly every language, so it counts in all of them. Sources: FCC, CTIA, Twilio, Infobip."}');
INSERT INTO "texts" VALUES('01a231fd-f029-751e-9ad9-8be197174561',X'0A86064103074883EA248DABAC2ECE79','{"text":"START"}');
INSERT INTO "texts" VALUES('01a231fd-f04f-7ae5-8c38-3dc9aaba3cc0',X'DF48CDA89BBB06AA63CF49389D459676','{"reason":"asked by phone"}');
INSERT INTO "texts" VALUES('01a231fd-f054-74f7-b6d2-c580e12ff221',X'452FB3A1B2509B2DF88490774903792F','{"text":"Stop?","reason":"The printed keyword in nearly every language, so it counts in all of them. Sources: FCC, CTIA, Twilio, Infobip."}');
INSERT INTO "texts" VALUES('01a231fd-f05f-7ccf-9474-8e80a2193f6b',X'76DF3057243A5717D46AB3871385AA20','{"text":"STOP","reason":"The printed keyword in nearly every language, so it counts in all of them. Sources: FCC, CTIA, Twilio, Infobip."}');
INSERT INTO "texts" VALUES('01a231fd-f0d5-792d-a803-72674d4f1bfc',X'21D2DBD5DC2BDDA49D019397DE58F838','{"text":"START"}');
INSERT INTO "texts" VALUES('01a231fd-f135-7bea-8b17-39e50aa9cc83',X'0F5284C9755B812699C4BD8C2797F440','{"reason":"asked by phone"}');
INSERT INTO "texts" VALUES('01a231fd-f138-7110-93f7-00ce00066cca',X'EA141F4570F76E1317D0D5BAE089F8B4','{"reason":"old.csv"}');
INSERT INTO "texts" VALUES('01a231fd-f138-7d6f-b534-34499e399297',X'5CD8277C83E40BB7587507CB7E080F55','{"reason":"old.csv"}');
