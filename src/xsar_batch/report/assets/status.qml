<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
 <renderer-v2 type="categorizedSymbol" attr="state" enableorderby="0" forceraster="0" symbollevels="0">
  <categories>
   <category symbol="0" value="done" label="done" render="true"/>
   <category symbol="1" value="failed" label="failed" render="true"/>
   <category symbol="2" value="running" label="running" render="true"/>
   <category symbol="3" value="pending" label="pending" render="true"/>
  </categories>
  <symbols>
   <symbol name="0" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0"><prop k="color" v="0,114,178,77"/><prop k="outline_color" v="0,114,178,255"/><prop k="outline_width" v="0.3"/><prop k="style" v="solid"/></layer>
   </symbol>
   <symbol name="1" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0"><prop k="color" v="213,94,0,77"/><prop k="outline_color" v="213,94,0,255"/><prop k="outline_width" v="0.5"/><prop k="style" v="solid"/></layer>
   </symbol>
   <symbol name="2" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0"><prop k="color" v="138,109,0,77"/><prop k="outline_color" v="138,109,0,255"/><prop k="outline_width" v="0.5"/><prop k="style" v="solid"/></layer>
   </symbol>
   <symbol name="3" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0"><prop k="color" v="107,116,128,40"/><prop k="outline_color" v="107,116,128,255"/><prop k="outline_width" v="0.3"/><prop k="style" v="solid"/></layer>
   </symbol>
  </symbols>
 </renderer-v2>
</qgis>
